"""Servers elsewhere: all that Regress sends over HTTP goes through this room.

    reach     which addresses may be called, and until when
    http      the client: one exchange, or several tries
    forge     a repository on a forge, in words that GitHub and GitLab share
    github    GitHub's paths, headers and answers            gitlab    GitLab's

Notifications, the gate's comments, ``regress push`` and the log-in with a provider differ in ``http.Terms``.
"""

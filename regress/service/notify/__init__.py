"""Notifications: what changed, told to people and programs who do not look at pages.

    wording     what messages say           rules       who is told what, and when
    sending     from the outbox to the receivers: *send*, *test*, *status*
    channel     what a channel is; one a file below, and their registry here

Add a channel: a file with a class that fulfils ``channel.Channel`` and takes a ``Setting``, a row in
``CHANNELS``, its kind in ``regress.config.notify.KINDS``.
"""

from __future__ import annotations

from collections.abc import Mapping

from regress.service.notify.channel import Make
from regress.service.notify.forge import GithubComment, GithubIssue, GitlabComment, GitlabIssue
from regress.service.notify.mail import Email
from regress.service.notify.slack import Slack
from regress.service.notify.webhook import Webhook

__all__ = ["CHANNELS"]

CHANNELS: Mapping[str, Make] = {
    "email": Email,
    "github-comment": GithubComment,
    "github-issue": GithubIssue,
    "gitlab-comment": GitlabComment,
    "gitlab-issue": GitlabIssue,
    "slack": Slack,
    "webhook": Webhook,
}
"""Kind to what makes its channel from a ``Setting``; ConfigError when something is missing."""

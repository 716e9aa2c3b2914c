"""The doors: what no request may do, who is asking, and what they may.

guard.py      outermost: hosts, lengths, HEAD, headers on every answer
doors.py      who is asking (session, token, or nobody), how often, and whether they may read
sessions.py   the signed cookie, and the CSRF token that belongs to it
oidc.py       log-in with a provider
writes.py     what every route that writes depends on: origin, CSRF token, role; the audit log
rates.py      token buckets
uploads.py    bodies of bounded size, time and unpacked size
"""

from __future__ import annotations

from web.security.doors import Doors
from web.security.guard import HEADERS, Guard
from web.security.sessions import Visit
from web.security.writes import Write, reads, writes

__all__ = ["HEADERS", "Doors", "Guard", "Visit", "Write", "reads", "writes"]

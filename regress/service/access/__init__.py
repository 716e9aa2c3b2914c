"""Who may do what: people with passwords, machines with tokens, and the key that signs their sessions.

The records (``Role``, ``Deed``, ``Token``, ``Scope``) are the domain's; the doors are ``web.security``'s.
"""

from __future__ import annotations

from regress.service.access.deed import at_the_command_line
from regress.service.access.passwords import PasswordFile, User
from regress.service.access.secret import signing_key
from regress.service.access.tokens import find_token, looks_like_token, make_token

__all__ = [
    "PasswordFile",
    "User",
    "at_the_command_line",
    "find_token",
    "looks_like_token",
    "make_token",
    "signing_key",
]

"""The knobs of who may see and do what."""

from __future__ import annotations

from dataclasses import dataclass

from regress.config.knobs import COUNT, DAYS, WORD, Check, knob
from regress.domain import Role

_LOGIN = Check("none, password or oidc", lambda v: v in ("none", "password", "oidc"))
_ROLES = tuple(role.value for role in Role)
_ROLE = Check(f"one of {', '.join(_ROLES)}", lambda v: v in _ROLES)
_ROLE_OR_NONE = Check(f"none or one of {', '.join(_ROLES)}", lambda v: v in ("none", *_ROLES))
_ROLE_PAIRS = Check(
    f"texts like ann@example.org=admin, with one of {', '.join(_ROLES)}",
    lambda v: all(text.rpartition("=")[0] and text.rpartition("=")[2] in _ROLES for text in v),
)


@dataclass(frozen=True, slots=True)
class AccessConfig:
    """Who may do what on the dashboard."""

    login: str = knob("none", "How people log in: none, password or oidc.", _LOGIN)
    open: bool = knob(False, "Whether anybody may read without logging in, wherever it listens.")
    local: str = knob(
        "viewer", "What a visitor from this machine may do where there is no log-in: a role.", _ROLE
    )
    hosts: tuple[str, ...] = knob((), "Names it is reached by, beside this machine's own.")
    passwords: str = knob(".regress/passwords", "What `regress user` writes, relative to this file.", WORD)
    session_hours: int = knob(12, "Hours until people log in again.", COUNT)
    requests: int = knob(1200, "Requests a minute from one other machine; 0: no limit.", DAYS)
    upload_mb: int = knob(32, "Megabytes of one upload, packed.", COUNT)
    unpacked_mb: int = knob(256, "Megabytes of one upload, unpacked.", COUNT)
    upload_seconds: int = knob(60, "Seconds in which an upload must be here.", COUNT)
    oidc_issuer: str = knob("", "The provider's address, as it names itself.")
    oidc_client: str = knob("", "The client id there; its secret is REGRESS_OIDC_SECRET's.")
    oidc_role: str = knob("viewer", "What whoever the provider knows may do: a role, or none.", _ROLE_OR_NONE)
    oidc_roles: tuple[str, ...] = knob((), "Who may do more: EMAIL=ROLE or group:NAME=ROLE.", _ROLE_PAIRS)

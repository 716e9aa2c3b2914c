"""Who acts at the command line, for the audit log."""

from __future__ import annotations

import getpass
import socket

from regress.domain import Deed


def at_the_command_line(action: str, target: str = "", detail: str = "") -> Deed:
    """An deed of the user of this process, on this machine."""
    try:
        who = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        who = "unknown"
    return Deed(who, "command line", action, target, detail, socket.gethostname())

"""Files in a folder that everybody may write to: only this process writes what has its number in its name."""

from __future__ import annotations

import os
import stat


def opened(path: str, *, readable: bool = False) -> int:
    """A descriptor that appends to ``path``, which is empty then: what is there is of an earlier process with
    the same number. Nobody else's is followed or written to; OSError for what others can put there.
    """
    flags = os.O_RDWR if readable else os.O_WRONLY
    flags |= os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    found = os.fstat(descriptor)
    if found.st_uid != os.geteuid():
        os.close(descriptor)
        raise PermissionError(1, "somebody else's")
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:  # a pipe, or a link to what is ours elsewhere
        os.close(descriptor)
        raise PermissionError(1, "not a file of this name only")
    os.ftruncate(descriptor, 0)
    return descriptor

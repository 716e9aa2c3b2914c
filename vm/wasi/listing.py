"""An open directory, and the listing of its entries."""

from __future__ import annotations

import os
from collections.abc import Callable

from vm.wasi.abi import Errno, Filetype, WasiError
from vm.wasi.descriptors import HostFile
from vm.wasi.rights import ONLY_FILES, Permissions, filetype

Entry = tuple[bytes, int, Filetype]
"""Name, inode, type."""


class Directory(HostFile):
    """An open directory.

    ``guest_path`` is set on preopened ones, which programs find by asking. ``entries`` and ``files`` are what
    the host allows, on what the directory lists and on the files below it.
    """

    def __init__(
        self,
        fd: int,
        rights: int,
        inheriting: int,
        *,
        entries: Permissions = Permissions.READ_WRITE,
        files: Permissions = Permissions.READ_WRITE,
        guest_path: str | None = None,
    ) -> None:
        super().__init__(fd, rights)
        self.inheriting = inheriting
        self.entries = entries
        self.files = files
        self.guest_path = guest_path
        self._listing: list[Entry] = []

    def refusal(self, missing: int) -> Errno:
        """EISDIR for what can only be done to files."""
        return Errno.ISDIR if missing & ONLY_FILES else super().refusal(missing)

    def may_read(self) -> None:
        """EPERM where the host does not let the entries be looked at."""
        if not self.entries & Permissions.READ_ONLY:
            raise WasiError(Errno.PERM)

    def may_change(self) -> None:
        """EROFS where the host does not let entries come, go or change."""
        if not self.entries & Permissions.WRITE_ONLY:
            raise WasiError(Errno.ROFS)

    def listing(self, *, afresh: bool) -> list[Entry]:
        """The entries sorted by name, after "." and "..".

        One listing serves a whole walk (``afresh`` starts one), so that cookies stay valid while files come
        and go. ".." carries the directory's own inode, as at the root of a file system: what lies above
        is none of the program's business. Names are the host's bytes: one that is no UTF-8 is listed, and
        calls that name it fail with EILSEQ.
        """
        if afresh or not self._listing:
            own = os.fstat(self._fd).st_ino
            with os.scandir(self._fd) as entries:
                found = sorted((os.fsencode(e.name), e.inode(), _entry_type(e)) for e in entries)
            dots = [(b".", own, Filetype.DIRECTORY), (b"..", own, Filetype.DIRECTORY)]
            self._listing = dots + found
        return self._listing


def _entry_type(entry: os.DirEntry[str]) -> Filetype:
    tests: tuple[tuple[Callable[[], bool], Filetype], ...] = (
        (entry.is_symlink, Filetype.SYMBOLIC_LINK),
        (lambda: entry.is_dir(follow_symlinks=False), Filetype.DIRECTORY),
        (lambda: entry.is_file(follow_symlinks=False), Filetype.REGULAR_FILE),
    )
    known = next((kind for test, kind in tests if test()), None)
    if known is not None:
        return known
    try:
        return filetype(entry.stat(follow_symlinks=False).st_mode)
    except OSError:  # it has gone meanwhile
        return Filetype.UNKNOWN

"""How this package's modules are found: where they must be, instead of looking in all places.

A start imports a hundred of them, and Python takes some 100 µs for each: through every entry of
``sys.path_hooks``, listings of folders and checks of file names, a third of the time to a first result. Here
a name is a path, and compiled code is used if it is of the source as it is (``importlib``'s own rule: PEP
3147, and the sixteen bytes of PEP 552). Everything else is left to Python: sources without compiled code, zip
files, names that are wrong.
"""

from __future__ import annotations

import marshal
import os
import sys
from _frozen_importlib import ModuleSpec
from _frozen_importlib_external import MAGIC_NUMBER, PathFinder, SourceFileLoader
from stat import S_ISREG

TYPE_CHECKING = False  # as vm.typed has it, which is found by this

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import CodeType, ModuleType

_HEAD = MAGIC_NUMBER + bytes(4)
"""What opens code that is checked by its source's time and size."""


class _Loader(SourceFileLoader):
    def __init__(self, name: str, path: str, cached: str, head: bytes) -> None:
        """``head`` is what opens the compiled code of the source as it was found."""
        super().__init__(name, path)
        self._cached = cached
        self._head = head

    def get_code(self, fullname: str) -> CodeType | None:
        """The compiled code that is there, if it is the source's; else, or asked again, what Python does."""
        head, self._head = self._head, b"asked"
        try:
            content = _read(self._cached)
        except OSError:
            return super().get_code(fullname)
        if content[:16] != head:
            return super().get_code(fullname)
        code: CodeType = marshal.loads(memoryview(content)[16:])  # noqa: S302 - as Python does
        if code.co_filename != self.path:  # the folder was moved or copied: Python puts all names right
            return super().get_code(fullname)
        return code


def _read(path: str) -> bytes:
    """A file's bytes: what ``open`` and ``read`` do besides takes as long as they do."""
    opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        content = os.read(opened, _MOST)
        while len(content) % _MOST == 0 and (more := os.read(opened, _MOST)):
            content += more
        return content
    finally:
        os.close(opened)


_MOST = 1 << 16
"""Bytes of most compiled modules, at most."""


class _Finder:
    """Finds the modules of one package (``sys.meta_path``), in which none is called as a folder beside it."""

    def __init__(self, package: str, root: str, cached: str) -> None:
        """``root`` is its folder, ``cached`` where the compiled code of its ``__init__`` lies."""
        self._prefix = f"{package}."
        self._root = root
        self._before, _, below = cached.partition(f"{root}/")  # before it: sys.pycache_prefix
        self._folder, _, self._suffix = below.rpartition("__init__")

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module's place; None where it is not this finder's to say: another package of this name, whose
        folders these are not, may have taken its place.
        """
        above, _, last = name.rpartition(".")
        if not name.startswith(self._prefix) or not last.isidentifier():
            return None
        place = f"{self._root}/{above[len(self._prefix) :].replace('.', '/')}".removesuffix("/")
        if path is None or list(path) != [place]:
            return None
        return self._spec(name, place, last, False) or self._spec(name, f"{place}/{last}", "__init__", True)

    def _spec(self, name: str, folder: str, stem: str, inner: bool) -> ModuleSpec | None:
        source = f"{folder}/{stem}.py"
        try:
            status = os.stat(source)
        except OSError:
            return None
        if not S_ISREG(status.st_mode):
            return None
        facts = (int(status.st_mtime) & 0xFFFF_FFFF, status.st_size & 0xFFFF_FFFF)
        head = _HEAD + b"".join(fact.to_bytes(4, "little") for fact in facts)
        cached = f"{self._before}{folder}/{self._folder}{stem}{self._suffix}"
        spec = ModuleSpec(name, _Loader(name, source, cached, head), origin=source, is_package=inner)
        spec.has_location = True
        spec.cached = cached
        if spec.submodule_search_locations is not None:
            spec.submodule_search_locations.append(folder)
        return spec


def install(spec: ModuleSpec | None) -> None:
    """Find the modules of the package with this spec so, behind everybody else's finders but Python's own."""
    if spec is None or type(spec.loader) is not SourceFileLoader or PathFinder not in sys.meta_path:
        return
    root, _, _ = str(spec.origin).rpartition("/")
    if spec.cached is not None and f"{root}/" in spec.cached:
        finder = _Finder(spec.name, root, spec.cached)
        sys.meta_path.insert(sys.meta_path.index(PathFinder), finder)

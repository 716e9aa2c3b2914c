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
from collections.abc import Sequence
from types import CodeType, ModuleType

_HEAD = MAGIC_NUMBER + bytes(4)
"""What opens code that is checked by its source's time and size."""


class _Loader(SourceFileLoader):
    def __init__(self, name: str, path: str, cached: str) -> None:
        super().__init__(name, path)
        self._cached = cached

    def get_code(self, fullname: str) -> CodeType | None:
        """The compiled code that is there, if it is the source's; else what Python does."""
        try:
            with open(self._cached, "rb", 0) as file:
                content = file.read()
            source = os.stat(self.path)
        except OSError:
            return super().get_code(fullname)
        facts = (int(source.st_mtime) & 0xFFFF_FFFF, source.st_size & 0xFFFF_FFFF)
        if content[:16] != _HEAD + b"".join(fact.to_bytes(4, "little") for fact in facts):
            return super().get_code(fullname)
        code: CodeType = marshal.loads(memoryview(content)[16:])  # noqa: S302 - as Python does
        if code.co_filename != self.path:  # the folder was moved or copied: Python puts all names right
            return super().get_code(fullname)
        return code


class _Finder:
    """Finds the modules of one package (``sys.meta_path``)."""

    def __init__(self, package: str, root: str, cached: str) -> None:
        """``root`` is its folder, ``cached`` where the compiled code of its ``__init__`` lies."""
        self._prefix = f"{package}."
        self._root = root
        self._folder, _, self._suffix = cached[len(root) :].rpartition("__init__")

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
        base = f"{place}/{last}"
        inner = os.path.isdir(base)
        folder, stem = (base, "__init__") if inner else (place, last)
        source = f"{folder}/{stem}.py"
        if not os.path.isfile(source):
            return None
        cached = f"{folder}{self._folder}{stem}{self._suffix}"
        spec = ModuleSpec(name, _Loader(name, source, cached), origin=source, is_package=inner)
        spec.has_location = True
        spec.cached = cached
        if spec.submodule_search_locations is not None:
            spec.submodule_search_locations.append(base)
        return spec


def install(spec: ModuleSpec | None) -> None:
    """Find the modules of the package with this spec so, behind everybody else's finders but Python's own."""
    if spec is None or type(spec.loader) is not SourceFileLoader or PathFinder not in sys.meta_path:
        return
    root, _, _ = str(spec.origin).rpartition("/")
    if spec.cached is not None and spec.cached.startswith(f"{root}/"):  # and not under sys.pycache_prefix
        finder = _Finder(spec.name, root, spec.cached)
        sys.meta_path.insert(sys.meta_path.index(PathFinder), finder)

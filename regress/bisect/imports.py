"""Which files of a repository a benchmark may run: its own, and what these import, as their text tells.

    files_run("bench.time_parse", paths, lines)      lines: (path, a line that begins with import or from)

Text is enough for a prior: a module is looked for in every folder that is no package (``pkg.mod`` is
``src/pkg/mod.py``), so that too many files are found rather than too few; an import by name at run time is
not seen.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

IMPORTS = r"^[[:space:]]*(from|import)[[:space:]]"
"""What git looks for to find the lines (an extended regular expression)."""

_IMPORT = re.compile(r"\s*import\s+([^#]+)")
_FROM = re.compile(r"\s*from\s+(\.*)([\w.]*)\s+import\s+([^#]*)")
_LONGEST = 300  # characters of a line that are read: no one writes longer ones


def files_run(benchmark: str, paths: Sequence[str], lines: Iterable[tuple[str, str]]) -> set[str]:
    """The Python files among ``paths`` that the benchmark may run; none where its own is not found."""
    python = [path for path in paths if path.endswith(".py")]
    modules = _Modules(python)
    imports: defaultdict[str, list[str]] = defaultdict(list)
    for path, line in lines:
        imports[path].append(line[:_LONGEST])
    own = _own(benchmark, modules)
    around = {folder + "conftest.py" for path in own for folder in _folders(path)} & set(python)
    waiting, run = [*own, *around], set(own) | around
    while waiting:
        path = waiting.pop()
        found = {file for line in imports[path] for file in _imported(path, line, modules)} - run
        run |= found
        waiting += found
    return run


class _Modules:
    """Files by module name, from the top or any folder that is no package; ``parts``: from anywhere."""

    def __init__(self, python: Iterable[str]) -> None:
        paths = set(python)
        self._files: defaultdict[str, set[str]] = defaultdict(set)
        self._below: defaultdict[str, set[str]] = defaultdict(set)
        self.parts: defaultdict[str, set[str]] = defaultdict(set)
        for path in paths:
            parts = path.removesuffix(".py").removesuffix("/__init__").split("/")
            for start in range(len(parts)):
                self.parts[".".join(parts[start:])].add(path)
                if not start or "/".join([*parts[:start], "__init__.py"]) not in paths:
                    self._files[".".join(parts[start:])].add(path)
                    self._below[".".join(parts[start:-1])].add(path)

    def of(self, name: str) -> set[str]:
        """The files of a module, and of the packages that it is in: their code runs first."""
        parts = name.split(".")
        if not self._files.get(name):
            return set()
        return {
            file for end in range(1, len(parts) + 1) for file in self._files.get(".".join(parts[:end]), ())
        }

    def below(self, package: str) -> set[str]:
        """The modules right in a package."""
        return self._below.get(package, set()) if package else set()


def _own(benchmark: str, modules: _Modules) -> set[str]:
    """The files a benchmark may stand in: named before ``::``, or by the longest part of a dotted name."""
    file, told, _ = benchmark.partition("::")
    if told:
        return modules.parts.get(file.removesuffix(".py").replace("/", "."), set())
    parts = benchmark.split("(")[0].split(".")
    for end in range(len(parts) - 1, 0, -1):
        if found := modules.parts.get(".".join(parts[:end])):
            return found
    return set()


def _folders(path: str) -> list[str]:
    """The folders that a path is in, each with its slash; the repository's own is empty."""
    parts = path.split("/")[:-1]
    return ["".join(part + "/" for part in parts[:end]) for end in range(len(parts) + 1)]


def _imported(path: str, line: str, modules: _Modules) -> set[str]:
    """The files that one line imports."""
    if told := _FROM.match(line):
        dots, module, names = told.groups()
        if dots:
            around = path.split("/")[: -len(dots)]
            module = ".".join([*around, module] if module else around)
        listed = [name.split()[0] for name in names.strip(" ()\\\n").split(",") if name.split()]
        found = modules.of(module)
        for name in listed:
            found |= modules.of(f"{module}.{name}" if module else name)
        # Names that stand on further lines are not seen: any module of the package may be among them.
        return found if listed and "(" not in names and names != "*" else found | modules.below(module)
    if told := _IMPORT.match(line):
        names = [name.split()[0] for name in told[1].split(",") if name.split()]
        return {file for name in names for file in modules.of(name)}
    return set()

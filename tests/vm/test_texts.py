"""Code that is made once on a machine is made anew when what its text follows from has changed."""

from __future__ import annotations

import ast
from pathlib import Path

import vm
from vm.native import cache, glue

ROOT = Path(vm.__file__).parent
TEXTS = ("glue_text", "signals_text", "callbacks", "entries")


def imported(path: Path) -> set[Path]:
    """The files of the package that a module's text may be made of: what it imports names in capitals from,
    and functions.
    """
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("vm."):
            place = ROOT.joinpath(*str(node.module).split(".")[1:])
            found |= {place.with_suffix(".py")} if place.with_suffix(".py").is_file() else set()
            found |= {file for n in node.names if (file := place / f"{n.name}.py").is_file()}
    return found


def test_the_files_that_texts_follow_from_are_named() -> None:
    named = {Path(file) for file in cache.package_files(glue.PLACES)}
    known: set[Path] = set()
    left = {ROOT / "native" / f"{text}.py" for text in TEXTS}
    while left:
        path = left.pop()
        known.add(path)
        if path.parent.name == "native" and "_IR" in path.read_text():
            left |= imported(path) - known
        assert path in named, f"{path} shapes the text of native code: add it to PLACES"
    assert ROOT / "native" / "walking.py" in known
    assert ROOT / "runtime" / "layout.py" in known

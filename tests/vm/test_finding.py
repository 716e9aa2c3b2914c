"""The package's modules are found as Python itself finds them, only sooner."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import vm
from vm import finding
from vm.finding import _Finder

ROOT = Path(vm.__file__).parent
HERE = _Finder("vm", str(ROOT), importlib.util.cache_from_source(str(ROOT / "__init__.py")))
"""As it is installed, unless somebody else loads this package (pytest does, where it is no editable one)."""

PROGRAM = """\
import os, sys
sys.path.insert(0, sys.argv[1])
from importlib.machinery import PathFinder
from vm.finding import install
install(PathFinder.find_spec("tiny"))
from tiny.inner import deep
print(deep.VALUE, type(deep.__loader__).__module__, os.path.exists(deep.__cached__))
"""


def test_every_module_has_the_place_that_python_gives_it() -> None:
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if name == "vm":
            continue
        folder = path.parent.parent if parts[-1] == "__init__" else path.parent
        ours = HERE.find_spec(name)
        theirs = importlib.machinery.PathFinder.find_spec(name, [str(folder)])
        assert ours is not None
        assert theirs is not None
        for fact in ("name", "origin", "cached", "has_location", "submodule_search_locations", "parent"):
            assert getattr(ours, fact) == getattr(theirs, fact), (name, fact)


def test_other_names_are_left_to_python() -> None:
    for name in ("vm", "vmx.api", "json", "vm.nothing", "vm.api.nothing.at.all", "vm.__pycache__"):
        assert HERE.find_spec(name) is None
    before = list(sys.meta_path)
    finding.install(None)
    finding.install(importlib.machinery.BuiltinImporter.find_spec("sys"))
    assert sys.meta_path == before


def test_compiled_code_is_used_while_it_is_of_the_source(tmp_path: Path) -> None:
    deep = tmp_path / "tiny" / "inner" / "deep.py"
    deep.parent.mkdir(parents=True)
    for folder in (deep.parent, deep.parent.parent):
        (folder / "__init__.py").touch()
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPATH"] = str(ROOT.parent)

    def run() -> list[str]:
        command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return done.stdout.split()

    deep.write_text("VALUE = 'first'\n")
    os.utime(deep, (1_000_000, 1_000_000))
    assert run() == ["first", "vm.finding", "True"]
    deep.write_text("VALUE = 'other'\n")  # as long, and as old: nothing tells that it is another
    os.utime(deep, (1_000_000, 1_000_000))
    assert run()[0] == "first", "the compiled code was not used"
    os.utime(deep, (1_000_002, 1_000_002))
    assert run()[0] == "other"
    deep.write_text("VALUE = 'longer'\n")
    os.utime(deep, (1_000_002, 1_000_002))
    assert run()[0] == "longer"
    compiled = next((deep.parent / "__pycache__").glob("deep.*"))
    compiled.write_bytes(compiled.read_bytes()[:10])
    assert run()[0] == "longer"

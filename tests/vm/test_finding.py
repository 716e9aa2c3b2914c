"""The package's modules are found as Python itself finds them, only sooner."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import shutil
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
from importlib.machinery import PathFinder
from vm.finding import install
for place in sys.argv[1:]:
    for name in [name for name in sys.modules if name.startswith("tiny")]:
        del sys.modules[name]
    sys.path.insert(0, place)
    install(PathFinder.find_spec("tiny"))
    from tiny.inner import deep
    print(deep.VALUE, type(deep.__loader__).__module__, os.path.exists(deep.__cached__), end=" ")
    print(deep.__file__, deep.inside().__code__.co_filename)
"""


def test_every_module_has_the_place_that_python_gives_it() -> None:
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if name == "vm":
            continue
        folder = path.parent.parent if parts[-1] == "__init__" else path.parent
        ours = HERE.find_spec(name, [str(folder)])
        theirs = importlib.machinery.PathFinder.find_spec(name, [str(folder)])
        assert ours is not None
        assert theirs is not None
        for fact in ("name", "origin", "cached", "has_location", "submodule_search_locations", "parent"):
            assert getattr(ours, fact) == getattr(theirs, fact), (name, fact)


def test_other_names_are_left_to_python() -> None:
    api = ROOT / "api"
    assert HERE.find_spec("vm.api.module", [str(api)]) is not None
    for name, folder in (
        *(("vm", ROOT.parent), ("vmx.api", ROOT), ("json", ROOT), ("vm.nothing", ROOT), ("vm.", ROOT)),
        *(("vm.api/module", ROOT), ("vm.__pycache__", ROOT), ("vm.api.nothing", api)),
        *(("vm.api.module", ROOT), ("vm.api.module", Path("/elsewhere/vm/api"))),
    ):
        assert HERE.find_spec(name, [str(folder)]) is None
    assert HERE.find_spec("vm.api.module", ["/elsewhere/vm/api", str(api)]) is None
    assert HERE.find_spec("vm.api") is None
    before = list(sys.meta_path)
    finding.install(None)
    finding.install(importlib.machinery.BuiltinImporter.find_spec("sys"))
    assert sys.meta_path == before


def tiny(root: Path) -> Path:
    """The one module of a package; it has a function in a function."""
    deep = root / "tiny" / "inner" / "deep.py"
    deep.parent.mkdir(parents=True)
    for folder in (deep.parent, deep.parent.parent):
        (folder / "__init__.py").touch()
    return deep


def write(deep: Path, value: str, when: int) -> None:
    deep.write_text(f"VALUE = {value!r}\ndef inside():\n    return lambda: 0\n")
    os.utime(deep, (when, when))


def imported(*roots: Path) -> list[list[str]]:
    """What a process says of the module when it imports the package from one place after the other."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPATH"] = str(ROOT.parent)
    command = [sys.executable, "-c", PROGRAM, *map(str, roots)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return [line.split() for line in done.stdout.splitlines()]


def test_compiled_code_is_used_while_it_is_of_the_source(tmp_path: Path) -> None:
    deep = tiny(tmp_path)
    write(deep, "first", 1_000_000)
    assert imported(tmp_path)[0][:3] == ["first", "vm.finding", "True"]
    write(deep, "other", 1_000_000)  # as long, and as old: nothing tells that it is another
    assert imported(tmp_path)[0][0] == "first", "the compiled code was not used"
    write(deep, "other", 1_000_002)
    assert imported(tmp_path)[0][0] == "other"
    write(deep, "longer", 1_000_002)
    assert imported(tmp_path)[0][0] == "longer"
    compiled = next((deep.parent / "__pycache__").glob("deep.*"))
    compiled.write_bytes(compiled.read_bytes()[:10])
    assert imported(tmp_path)[0][0] == "longer"


def test_a_package_that_was_copied_is_the_copy(tmp_path: Path) -> None:
    deep = tiny(tmp_path / "one")
    write(deep, "same", 1_000_000)
    imported(tmp_path / "one")
    shutil.copytree(tmp_path / "one", tmp_path / "two")  # with compiled code, which names the other's sources
    places = [tmp_path / "one", tmp_path / "two"]
    copy = str(tmp_path / "two" / deep.relative_to(tmp_path / "one"))
    found = imported(*places)
    assert [line[1] for line in found] == ["vm.finding"] * 2
    assert [line[3:] for line in found] == [[str(deep)] * 2, [copy] * 2]

"""wasmtime-py's public names against this API's: each is there, or is listed with the reason why not.

The list is strict: a name that is there must not be on it.
"""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
import textwrap

import wasmtime

import vm.api
from tests.conftest import ROOT
from vm.api import foreign
from vm.config import KNOBS

NO_POINTER = "the engine is Python: there is no C object behind it"
NO_CLOSE = "a value or an error, which holds nothing"
COMPONENTS = "components are not modules"
ABSENT = {
    "Config.cranelift_flag_enable": "flags of another compiler",
    "Config.cranelift_flag_set": "flags of another compiler",
    "Config.target": "code is made for the machine it runs on",
    "Store.set_wasi_http": COMPONENTS,
    "StoreContext": "what a C callback is given; a Caller here",
}
CLOSED = {"Config", "Engine", "Store", "Module", "Linker", "InstancePre", "SharedMemory", "Managed"}


def names(cls: type) -> set[str]:
    """A class's public names, those that its ``__init__`` sets included."""
    found = {name for name in dir(cls) if not name.startswith("_")}
    for base in cls.__mro__[:-1]:
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(base)))
        except (OSError, TypeError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                found |= (
                    {node.attr} if isinstance(node.value, ast.Name) and node.value.id == "self" else set()
                )
    return {name for name in found if not name.startswith("_")}


def theirs() -> set[str]:
    """All names of wasmtime-py, "Class.name" for those of classes."""
    found = set()
    for name in vars(wasmtime):
        if name.startswith("_") or inspect.ismodule(getattr(wasmtime, name)):
            continue
        found.add(name)
        cls = getattr(wasmtime, name)
        if inspect.isclass(cls) and name not in ("TrapCode", "StoreContext"):
            found |= {f"{name}.{part}" for part in names(cls)}
    return found


def ours() -> set[str]:
    found = set(vm.api.__all__)
    for name in vm.api.__all__:
        cls = getattr(vm.api, name)
        if inspect.isclass(cls):
            found |= {f"{name}.{part}" for part in names(cls)}
    return found | {f"Config.{name}" for name in (*KNOBS, *foreign.NAMES)}


def test_every_name_is_here_or_has_a_reason() -> None:
    missing = theirs() - ours()
    pointers = {name for name in missing if name.endswith(".ptr")}
    values = {name for name in missing if name.endswith(".close") and name.split(".")[0] not in CLOSED}
    assert missing - pointers - values == set(ABSENT)


LISTED = """
import sys, vm.api
assert "vm.api.linker" not in sys.modules
assert set(vm.api.__all__) <= set(dir(vm.api))
"""


def test_names_that_are_imported_later_are_listed() -> None:
    """For ``help`` and completion."""
    subprocess.run([sys.executable, "-c", LISTED], cwd=ROOT, check=True)

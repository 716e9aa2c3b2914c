"""What makes each kind of code: an explicit registry, by name, for what makes code brings LLVM along."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from vm.errors import VMError
from vm.jit.artefact import Artefact
from vm.jit.request import Request
from vm.typed import Any

Maker = Callable[[Request], Artefact]

MAKERS: dict[str, str] = {
    "body": "vm.tiers.llvm.emission:make",
    "loop": "vm.tiers.llvm.loops:make",
}
"""Functions ``make(request)`` by the kind of code. They may do anything that a process of its own can do:
translate, compile, and take their time. They look at the request and nothing else."""


def make(request: Request) -> Artefact:
    """Compile in this process, now."""
    return maker(request.kind)(request)


def keep_ways(request: Request, artefact: Artefact) -> None:
    """Keep the code through which tiers enter and leave what was made here, if these are tiers that do."""
    if request.config.tier == "tiered":
        ways().keep(request, artefact)


def ways() -> Any:
    """The module that makes it."""
    return importlib.import_module("vm.tiers.llvm.ways")


def maker(kind: str) -> Maker:
    """What makes a kind of code, VMError when nobody does. A kind that is a place itself needs no row here:
    experiments and tests bring their own.
    """
    place = kind if ":" in kind else MAKERS.get(kind)
    if place is None:
        raise VMError(f"no kind of code called {kind!r}; there are: {', '.join(MAKERS)}")
    module, _, name = place.partition(":")
    found: Maker = getattr(importlib.import_module(module), name)
    return found

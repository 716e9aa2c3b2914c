"""The ways into compiled code and out of it, made where the code is: by a compiler's process.

A program in tier ``tiered`` goes from the machine to compiled code and back through thunks. Where it
would make them itself, it would load LLVM for that, which takes longer than many programs run.
"""

from __future__ import annotations

from collections.abc import Iterator

from vm.isa.types import FuncType
from vm.jit.artefact import Artefact
from vm.jit.request import Request
from vm.tiers.llvm import thunks
from vm.tiers.llvm.reach import callees


def keep(request: Request, artefact: Artefact) -> None:
    """Have on disk what the machine needs to call the functions of ``artefact``, and they to call others."""
    thunks.keep(_wanted(request, artefact))


def _wanted(request: Request, artefact: Artefact) -> Iterator[tuple[str, FuncType]]:
    module, own = request.module, set(artefact.functions)
    if request.kind == "loop":
        yield "loop", thunks.NOTHING
    else:
        for index in artefact.visible:
            yield "relay", module.function_type(index)
    for index in own:
        for other in callees(module, index):
            if other not in own:
                kind = "host" if other < module.imported_functions else "lend"
                yield kind, module.function_type(other)

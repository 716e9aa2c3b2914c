"""Compiles the stencils: texts to an object file, its functions to stencils. Needs LLVM, once a machine."""

from __future__ import annotations

import functools
from collections.abc import Callable
from itertools import chain

import llvmlite.binding as llvm

from vm.errors import TrapCode, VMError
from vm.isa.semantics import DECLARATIONS
from vm.isa.vectors.intrinsics import VECTOR_DECLARATIONS
from vm.native import elf
from vm.native.pipeline import target
from vm.records import replace
from vm.tiers.baseline import fixed, forms
from vm.tiers.baseline.stencil import (
    ABSOLUTE,
    ABSOLUTE_64,
    PC_RELATIVE,
    Hole,
    Stencil,
    UnknownInstruction,
    constant_hole,
    make,
)
from vm.tiers.baseline.text import HEAD, HOLES, TRAP, StencilText, trap_symbol
from vm.tiers.threaded.source import HEAD as MACHINE_HEAD
from vm.typed import Any

_KINDS = {1: ABSOLUTE_64, 2: PC_RELATIVE, 4: PC_RELATIVE, 10: ABSOLUTE, 11: ABSOLUTE}
"""Relocations: R_X86_64_64, PC32, PLT32, 32, 32S."""

_BATCH = 64
"""Stencils in one object file: how often somebody hears of progress."""

CONSTANT = "constant"
"""The symbol of a hole whose addend is a place among the constants that stencils share."""

_NEEDED = {"avx2", "bmi", "bmi2", "lzcnt", "popcnt"}


def all_texts() -> list[StencilText]:
    """Every stencil there is, as text."""
    return list(chain(forms.derived(), fixed.by_hand()))


def build(texts: list[StencilText], progress: Callable[[int, int], None]) -> tuple[list[Stencil], bytes]:
    """The stencils that can be made, and constants that they share; tells how many are done of how many."""
    maker = _Maker()
    for start in range(0, len(texts), _BATCH):
        batch = texts[start : start + _BATCH]
        functions, contents = _compile(batch)
        for text, function in zip(batch, functions, strict=True):
            maker.add(text, function, contents)
        progress(min(start + _BATCH, len(texts)), len(texts))
    return list(maker.stencils.values()), b"".join(maker.constants)


class _Maker:
    """Collects stencils, and the constants that they share."""

    def __init__(self) -> None:
        self.stencils: dict[str, Stencil] = {}
        self.constants: dict[bytes, int] = {}
        self._samples: dict[str, list[bytes]] = {}

    def add(self, text: StencilText, function: elf.Unlinked, contents: dict[int, bytes]) -> None:
        """Make a stencil of a function's code, unless a form of it does without a hole for its constant."""
        if text.sample is not None:
            codes = self._samples.setdefault(text.name, [])
            codes.append(function.code)
            if len(codes) < len(forms.SAMPLES):
                return
            hole = constant_hole(codes, forms.SAMPLES)
            if hole is None:
                return
            holes = [hole]
        elif text.name in self.stencils:
            return
        else:
            holes = []
        try:
            holes += [self._hole(found, contents) for found in function.relocations]
            self.stencils[text.name] = make(text.name, function.code, holes)
        except UnknownInstruction as error:
            if text.name in fixed.WRITERS:
                raise VMError(f"stencil {text.name!r}: {error}") from None

    def _hole(self, found: elf.Relocation, contents: dict[int, bytes]) -> Hole:
        kind = _KINDS.get(found.kind)
        if kind is None:
            raise UnknownInstruction(f"relocation {found.kind}")
        if not found.section:
            if found.symbol not in HOLES and not found.symbol.startswith(TRAP):
                raise UnknownInstruction(f"{found.symbol}, which is a function")
            return Hole(found.offset, found.symbol, kind, found.addend + (4 if kind == PC_RELATIVE else 0))
        if kind != PC_RELATIVE:
            raise UnknownInstruction("a constant's address")
        place = found.addend + 4
        content = contents[found.section][place : place + 16].ljust(16, b"\0")
        at = self.constants.setdefault(content, 16 * len(self.constants))
        return Hole(found.offset, CONSTANT, kind, at)


def _compile(texts: list[StencilText]) -> tuple[list[elf.Unlinked], dict[int, bytes]]:
    """The functions of these texts, in their order, and the object's sections."""
    for number, text in enumerate(texts):
        text.symbol = f"s{number}"
    host = target(2)
    traps = "".join(f"declare dso_local void @{trap_symbol(code)}()\n" for code in TrapCode)
    head = f'target triple = "{host.triple}"\ntarget datalayout = "{host.layout}"\n'
    body = "".join(text.text() for text in texts)
    context = llvm.create_context()
    module = llvm.parse_assembly(
        "".join((head, DECLARATIONS, VECTOR_DECLARATIONS, MACHINE_HEAD, HEAD, traps, body)), context
    )
    try:
        module.verify()
        functions, contents = elf.functions(_machine().emit_object(module))
    finally:
        module.close()
    by_name = {function.name: function for function in functions}
    found = [by_name[text.symbol] for text in texts]
    return [replace(made, name=text.name) for made, text in zip(found, texts, strict=True)], contents


@functools.cache
def _machine() -> Any:
    """Code with absolute addresses, so that holes are numbers in instructions; in encodings that ``encoding``
    knows, which AVX-512's are not.
    """
    features = llvm.get_host_cpu_features()
    level = "x86-64-v3" if all(features.get(name) for name in _NEEDED) else "x86-64"
    return llvm.Target.from_triple(target(2).triple).create_target_machine(
        cpu=level, opt=2, reloc="static", codemodel="small"
    )

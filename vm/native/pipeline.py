"""IR text to object code: parse, verify, optimise, emit.

Levels 0 and 1 run what an expression needs to lose its stack traffic (sroa, simplifycfg, instcombine); at
level 0 LLVM's fast instruction selector then emits code, in a tenth of level 1's time, that runs 1.4 times
as long (measured on Graphviz). Levels 2 and 3 are LLVM's own, with the superword vectoriser switched on by
hand, since llvmlite leaves it off at every level.
"""

from __future__ import annotations

import functools
import threading
from dataclasses import dataclass

import llvmlite.binding as llvm

from vm.native.widening import widened
from vm.runtime.room import with_room
from vm.typed import Any

ALLOCATE = -1
"""Beside the levels: nothing but variables into registers, then all of LLVM's code generator (or as PROMOTE,
where that would take too long). JavaScript interpreters' main loops run as quickly as at level 3, compiled in
a third of the time."""

PROMOTE = -2
"""A level below 0: variables into registers, then fast instruction selection."""

PLAIN = -3
"""A level below that: fast instruction selection only."""

_CODEGEN_LEVEL = {PLAIN: 0, PROMOTE: 0, ALLOCATE: 1, 0: 0, 1: 1, 2: 2, 3: 2}
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Target:
    """The machine that code is made for."""

    triple: str
    layout: str
    machine: Any


@functools.cache
def _start() -> None:
    """Make LLVM ready, once in a process: it takes an option one time only.

    Selects that a loop waits for become branches, which the processor predicts (LLVM does so of itself for
    AArch64 only), if they are marked as predictable or gain even if every other prediction is wrong. LLVM's
    guess of one in four makes branches of what sorting and searching compare, which nobody can predict.

    Calls are inlined at twice LLVM's price, 250 (5 an instruction): bodies here are longer for what they do,
    since addresses are computed and stack is checked. Programs made for size, as Rust's often are, gain; at
    750 they gain more, but others lose. (The pipeline's own knob for it forgets which calls loops make.)
    """
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    llvm.initialize_native_asmparser()
    llvm.set_option("", "-disable-select-optimize=false")
    llvm.set_option("", "-mispredict-default-rate=50")
    llvm.set_option("", "-inline-threshold=500")


@functools.cache
def target(level: int) -> Target:
    """The host as a target, for code of optimisation ``level``."""
    with _lock:
        _start()
    triple = llvm.get_process_triple()
    machine = llvm.Target.from_triple(triple).create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=_CODEGEN_LEVEL[level],
        reloc="pic",
        codemodel="small",
        jit=True,
    )
    return Target(triple, str(machine.target_data), machine)


def emit_object(ir: str, level: int, *, widen: bool = False) -> bytes:
    """An ELF object from IR text. Invalid IR is a fault of the translator and raises ``RuntimeError``.
    ``widen``: i32s that become addresses travel as 64 bits (``vm.native.widening``), where LLVM tries hard
    enough to gain by it.

    Each module gets a context of its own, so that nothing of one compilation outlives it. Verification is not
    optional: LLVM built with assertions ends the process on IR that breaks its rules.
    """
    return with_room(lambda: _emit(ir, level, widen))


def _emit(ir: str, level: int, widen: bool) -> bytes:
    host = target(level)
    head = f'target triple = "{host.triple}"\ntarget datalayout = "{host.layout}"\n'
    with llvm.create_context() as context, llvm.parse_assembly(head + ir, context) as module:
        module.verify()
        _optimise(module, host.machine, level)
        if level == ALLOCATE and _tangled(module):
            host, widen = target(PROMOTE), False
        if not widen or _CODEGEN_LEVEL[level] == 0:
            return bytes(host.machine.emit_object(module))
        with llvm.parse_assembly(widened(str(module)), context) as wide:
            wide.verify()
            return bytes(host.machine.emit_object(wide))


def _optimise(module: Any, machine: Any, level: int) -> None:
    if level == PLAIN:
        return
    with llvm.create_pipeline_tuning_options(speed_level=max(level, 1)) as options:
        options.slp_vectorization = options.loop_vectorization = level > 1
        options.loop_unrolling = options.loop_interleaving = level > 1
        with (  # the builder copies the options; it holds analyses of the module, and goes before it
            llvm.create_pass_builder(machine, options) as builder,
            builder.getModulePassManager() if level > 1 else _few_passes(level) as passes,
        ):
            passes.run(module, builder)


MOST_MERGED = 20_000
"""Operands of phi nodes that register allocation gets: it compares each with all others of its variable,
which takes 13 s for 150,000 of them. A JavaScript interpreter's main loop has 3,100."""


def _tangled(module: Any) -> bool:
    """Whether more values than ``MOST_MERGED`` meet where paths do."""
    merged = 0
    for function in module.functions:
        for block in function.blocks:
            for instruction in block.instructions:
                if instruction.opcode != "phi":
                    break
                merged += sum(1 for _ in instruction.incoming_blocks)
            if merged > MOST_MERGED:
                return True
    return False


def _few_passes(level: int) -> Any:
    passes = llvm.create_new_module_pass_manager()
    passes.add_sroa_pass()
    if level >= 0:
        passes.add_simplify_cfg_pass()
        passes.add_instruction_combine_pass()
    return passes

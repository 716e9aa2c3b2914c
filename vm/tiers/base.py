"""What an execution tier is, and how the rest of the engine talks to it.

A tier runs the bodies of defined functions; everything those bodies touch belongs to the runtime and lies in
native memory, so that every tier sees the same state:

    Engine ── Tier (one per engine)
      │
    Store ─┬─ functions: list[Function]      handle -> Function; a funcref value is the address of its record
           ├─ heap                            managed objects and handles of Python objects (``vm.gc``)
           ├─ state block (native)            jump buffer, stack limit, trap code
           └─ instances: list[Instance]
                ├─ functions: list[Function]  the function index space (imports first)
                ├─ tables:    list[Table]
                ├─ memories:  list[LinearMemory]
                ├─ globals:   list[Global]
                └─ context block (native)     what compiled code reaches from its first argument

    Python caller ── store.call(function, [bits]) ──> tier.call(function, [bits]) ──> [bits]
                                                         │ body calls instance.functions[i]
                                       another body <────┤ .instance is not None: same tier, any instance
                                       host callable <───┘ .host is not None: host([bits]) -> [bits]

**Values** cross every border as unsigned integers holding the bit pattern: i32 in 32 bits, i64 in 64,
f32 and f64 as their IEEE bits (NaN payloads survive), a v128 as its 128 bits with lane 0 lowest (two words
where values lie in words, see ``vm.runtime.words``), a funcref as the address of its record, all other
references as ``vm.gc.words`` says; a null reference is 0. In Python's hands, a reference that is not null nor
a function's is a ``vm.gc.references.Reference``, which keeps alive what it refers to (``Store.hold``).

**Unwinding**: a tier raises ``Trap`` for the specification's reasons, with ``TrapCode.STACK_OVERFLOW`` when
the call stack is used up, and lets exceptions of host functions pass unchanged (the same object). It never
lets a ``RecursionError`` of its own escape, and never unwinds native code over Python frames.

**Adding a tier**: a folder here with a class that fits ``Tier``, and one row in ``vm.tiers.TIERS``; every
test that runs programs is parametrised over that registry.
"""

from __future__ import annotations

from collections.abc import Sequence

from vm.config import Config
from vm.runtime.functions import Function
from vm.runtime.instance import Instance
from vm.typed import ClassVar, Protocol


class Tier(Protocol):
    """Runs function bodies; see the module's drawing for the state it works on."""

    name: ClassVar[str]
    """The tier's name in ``vm.tiers.TIERS``."""

    shows_roots: ClassVar[bool]
    """Whether the collector finds all references to managed objects that frames hold, whenever Python runs.

    Frames of Python objects hold ``vm.gc.references.Reference``; compiled ones use the root stack
    (``vm.gc.record``). Without, managed objects are collected only while no code of their store runs.
    """

    native: ClassVar[bool]
    """Whether it is a ``vm.native.tier.NativeTier``, whose functions Python objects can enter directly."""

    def __init__(self, config: Config) -> None:
        """One tier object serves all stores of an engine; it keeps ``config`` for its knobs."""

    def attach(self, instance: Instance) -> None:
        """Get ready to run functions of ``instance``.

        Called once an instance's functions, tables, memories and globals exist, before its segments are
        copied and its start function runs. Work that depends only on ``instance.module`` should be kept for
        the next.
        """

    def call(self, function: Function, args: Sequence[int]) -> list[int]:
        """Run a defined function (``function.instance`` is not None) and return its results.

        ``args`` fit ``function.type.params`` in number and range; the caller has checked.
        May be entered again from a host function that it called.
        """

    def stats(self) -> dict[str, float]:
        """What the tier has done so far: at least ``compile_seconds`` and ``code_bytes``."""

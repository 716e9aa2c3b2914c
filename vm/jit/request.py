"""What is to be compiled, and the key of what comes of it."""

from __future__ import annotations

import functools
from array import array

from vm import digests
from vm.config import KNOBS, Config
from vm.module.model import ModuleData
from vm.native import cache
from vm.records import Record
from vm.typed import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from vm.jit.counts import Counts

Scope = Literal["exact", "near", "reachable", "module"]
"""Which functions a request is for: those named; or callees of those, too, up to ``Config.tier_batch_bytes``
or ``Config.batch_bytes`` of bodies; or all of the module's that are valid."""

Options = tuple[tuple[str, int | str], ...]
"""What else code depends on: names and values."""

MOST_MOVES = 250_000
"""Values that a module's code may pass to and from labels, calls and exceptions, beyond one for each of its
bytes, which compilers' output stays below. A few bytes can say that a thousand values go somewhere, and each
takes LLVM 1 kB and 4 us, at its least level."""

RUNTIME_KNOBS = frozenset(
    {
        "cache_bytes",
        "cache_folder",
        "compile_afterwards",
        "compile_workers",
        "gc_stress",
        "max_heap_bytes",
        "max_memory_pages",
        "max_table_elements",
        "max_wasm_stack",
        "opt_level",
        "policy",
        "profile",
        "profiler",
        "quick_module_bytes",
        "tier",
        "tier_calls",
        "tier_deopts",
        "tier_observes",
        "tier_patience",
        "tier_seed",
        "tier_speculates",
        "tier_start",
        "tier_trips",
        "tier_waits",
        "validate",
        "whole_module_bytes",
    }
)
"""Knobs that code does not depend on, given the rest of a request; any other is part of its key."""


class Named(Record, frozen=True):
    """Counts that are known by their ``key`` alone: it takes no more to find code that was made with them."""

    key: str


class Request(Record, frozen=True):
    """Code for functions of a module.

    ``kind`` says what code (``vm.jit.makers.MAKERS``), ``options`` what else it depends on, ``level`` how
    hard LLVM tries (``vm.native.pipeline``), ``scope`` which functions there are beside those named, and
    ``compiled`` which of them not, since they have code. The first function named must be valid, others may
    be left out. ``most_moves`` bounds what the code may cost; it changes no code. ``observed`` is what the
    program has counted itself, for this request; without, there may be the module's counts.
    """

    module: ModuleData
    functions: tuple[int, ...]
    config: Config
    level: int
    scope: Scope = "exact"
    compiled: frozenset[int] = frozenset()
    kind: str = "body"
    options: Options = ()
    most_moves: int = MOST_MOVES
    observed: Counts | Named | None = None

    @property
    def counts(self) -> Counts | None:
        """What is known of how often the code runs."""
        assert not isinstance(self.observed, Named)  # whoever makes code has read them
        return self.module.counts if self.observed is None else self.observed

    def facts(self) -> dict[str, int]:
        """What an event says of it (``vm.events``)."""
        loop = dict(self.options).get("loop", -1)
        assert isinstance(loop, int)  # an offset
        first, count = self.functions[0], len(self.functions)
        return {"function": first, "functions": count, "level": self.level, "loop": loop}

    def size(self) -> int:
        """Bytes of the bodies that code is made of, callees with them as far as there is room."""
        bodies, imported = self.module.bodies, self.module.imported_functions
        if self.scope == "module":
            return bodies.code_bytes
        own = sum(bodies[i - imported].end - bodies[i - imported].start for i in self.functions)
        return max(own, self.room())

    def room(self) -> int:
        """Bytes of bodies of those named and of callees, at most; none go with what is more by itself."""
        if self.scope == "exact":
            return 0
        most = self.config.batch_bytes
        return min(most, self.config.tier_batch_bytes) if self.scope == "near" else most

    def key(self) -> str:
        """What the code is known by, here and in every other process on machines like this one."""
        facts = (self.kind, self.functions, self.level, self.scope, self.options, code_knobs(self.config))
        digest = digests.digest(self.module.digest)
        digest.update(repr(facts).encode())
        digest.update(array("I", sorted(self.compiled)))
        counts = self.observed or self.module.counts
        if counts is not None:
            digest.update(counts.key.encode())
        digest.update(surroundings().encode())
        return digest.hexdigest()[:40]


def code_knobs(config: Config) -> dict[str, str | int | bool]:
    """The knobs that code depends on."""
    return {name: getattr(config, name) for name in KNOBS if name not in RUNTIME_KNOBS}


_SOURCES = (
    "config.py",
    "digests.py",
    "enums.py",
    "errors.py",
    "gc/*.py",
    "isa/**/*.py",
    "jit/artefact.py",
    "jit/counts.py",
    "jit/makers.py",
    "jit/request.py",
    "memory/*.py",
    "module/**/*.py",
    "native/*.py",
    "records.py",
    "runtime/*.py",
    "tiers/llvm/*.py",
    "typed.py",
)
"""Files of the package that compiled code follows from."""


@functools.cache
def surroundings() -> str:
    """A key of what all code made here depends on: this engine's sources, LLVM, the processor."""
    return cache.key([sources_key().encode()], "llvmlite")


@functools.cache
def sources_key() -> str:
    """A key of this engine's sources alone."""
    return cache.package_digest(_SOURCES).hex()[:24]

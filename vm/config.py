"""Every knob of the engine, once: name, type, default, range, and one sentence.

``Config`` is immutable; ``KNOBS`` is the table behind it, for command line, API and documentation.
"""

from __future__ import annotations

from vm.errors import ConfigError
from vm.primitives import MappingProxyType
from vm.records import Field, Record, field, fields, replace
from vm.typed import Any, Mapping


def _knob(default: Any, summary: str, **bounds: Any) -> Any:
    """A field of ``Config``; ``bounds`` are ``choices``, or ``low`` and ``high`` (inclusive)."""
    return field(default=default, metadata={"summary": summary, **bounds})


class Config(Record, frozen=True):
    """The knobs' values. Raises ``ConfigError``, which names the knob, for a value outside its range."""

    tier: str = _knob("tiered", "The tier that runs functions: a name in vm.tiers.TIERS.")
    memory_guard: str = _knob(
        "guard",
        "How a memory access is kept in bounds: by guard pages and a signal handler, or by explicit checks.",
        choices=("checked", "guard"),
    )
    validate: str = _knob(
        "lazy",
        "When a binary's bodies are checked: each before it first runs, or all of them when it is loaded.",
        choices=("eager", "lazy"),
    )
    debug_info: bool = _knob(
        False,
        "Whether machine code knows what it stands for: backtraces then have inlined calls, and offsets.",
    )
    consume_fuel: bool = _knob(
        False, "Whether code uses up its store's fuel, which Store.set_fuel gives, and traps without."
    )
    epoch_interruption: bool = _knob(
        False, "Whether code traps when the engine's epoch reaches the deadline that its store sets."
    )
    max_wasm_stack: int = _knob(
        4 << 20, "Bytes of native stack that WebAssembly calls may use.", low=1 << 14, high=1 << 30
    )
    max_memory_pages: int = _knob(
        1 << 20, "Pages of 64 KiB that one memory may grow to, whatever its type says.", low=0, high=1 << 30
    )
    max_table_elements: int = _knob(
        10_000_000, "Elements that one table may grow to, whatever its type says.", low=0, high=(1 << 32) - 1
    )
    max_heap_bytes: int = _knob(
        1 << 30, "Bytes that the managed objects of one store may take.", low=1 << 16, high=1 << 32
    )
    gc_stress: bool = _knob(
        False, "Whether each allocation of an object collects first, and overwrites what it frees: for tests."
    )
    opt_level: int = _knob(3, "How hard LLVM tries: 0 compiles quickest, 3 runs fastest.", low=0, high=3)
    quick_module_bytes: int = _knob(
        131_072,
        "Modules whose bodies are together longer are compiled at level 0, interpreters' main loops at 1.",
        low=0,
        high=1 << 30,
    )
    whole_module_bytes: int = _knob(
        16_384,
        "Modules whose bodies are together no longer are compiled at once.",
        low=0,
        high=1 << 30,
    )
    batch_bytes: int = _knob(
        8_192,
        "In bigger modules, a first call compiles the function and callees up to this many bytes of bodies.",
        low=1,
        high=1 << 30,
    )

    cache_bytes: int = _knob(
        1 << 29,
        "Bytes of compiled code that are kept on disk for the next start; 0: none is kept or looked for.",
        low=0,
        high=1 << 40,
    )
    cache_folder: str = _knob("", "Where that is; empty: in $WASMVM_CACHE, or in the user's cache folder.")
    tier_start: str = _knob(
        "auto",
        "What the tiered tier starts in; auto: baseline where `wasmvm build` has made it, else threaded.",
        choices=("auto", "baseline", "threaded"),
    )
    policy: str = _knob(
        "analytic",
        "What the tiered tier takes compiling to cost and to gain: as usual, or as a model has learnt.",
        choices=("analytic", "learned"),
    )
    tier_calls: int = _knob(
        0,
        "Calls of a function after which the tiered tier compiles it; 0: what suits the tier it starts in.",
        low=0,
        high=1 << 40,
    )
    tier_trips: int = _knob(
        0,
        "Rounds of a loop after which the tiered tier compiles its function; 0: what suits that tier.",
        low=0,
        high=1 << 40,
    )
    tier_batch_bytes: int = _knob(
        2_048,
        "At most so many of batch_bytes for the tiered tier, which asks for each function by itself.",
        low=1,
        high=1 << 30,
    )
    tier_patience: int = _knob(
        300,
        "Milliseconds from when something first is worth compiling until compilers are started for it.",
        low=0,
        high=1 << 30,
    )
    tier_waits: bool = _knob(
        False, "Whether programs wait for code that the tiered tier wants: for tests, the same every time."
    )
    tier_seed: int = _knob(
        0,
        "For tests: unless 0, the tiered tier compiles at random, the same each time.",
        low=0,
        high=1 << 40,
    )

    tier_observes: int = _knob(
        100,
        "Rounds for which the tiered tier counts where code goes that it is about to compile; 0: none.",
        low=0,
        high=1 << 30,
    )
    tier_speculates: bool = _knob(
        True,
        "Whether code of the tiered tier that is made with counts leaves out what they never saw.",
    )
    tier_deopts: int = _knob(
        0,
        "For tests: unless 0, compiled code of the tiered tier leaves at one of so many safe points.",
        low=0,
        high=1 << 40,
    )

    profiler: str = _knob(
        "none",
        "Whether perf is told of compiled functions: names in /tmp/perf-PID.map, code in /tmp/jit-PID.dump.",
        choices=("jitdump", "none", "perfmap"),
    )
    profile: str = _knob(
        "", "A file of what ran how often, made by a run that counted: LLVM makes its modules' code with it."
    )
    profile_make: bool = _knob(
        False, "Whether tier llvm counts what runs how often, for Module.profile; some tenths slower."
    )

    compile_workers: int = _knob(
        0,
        "Processes that compile in the background; 0: one less than there are processors.",
        low=0,
        high=256,
    )
    compile_afterwards: int = _knob(
        5,
        "Seconds of a processor for which they may go on after the program's end: the next start finds what "
        "they make.",
        low=0,
        high=3600,
    )

    def __post_init__(self) -> None:
        for knob in fields(self):
            _check(knob, getattr(self, knob.name))

    def with_(self, **changes: Any) -> Config:
        """A copy with some knobs changed; ``ConfigError`` for a knob that does not exist."""
        for name in changes:
            if name not in KNOBS:
                raise ConfigError(name, f"no such knob; there are: {', '.join(KNOBS)}")
        return replace(self, **changes)


def _check(knob: Field, value: Any) -> None:
    expected = type(knob.default)
    if type(value) is not expected:
        raise ConfigError(knob.name, f"expected {expected.__name__}, got {value!r}")
    choices = knob.metadata.get("choices")
    if choices and value not in choices:
        raise ConfigError(knob.name, f"expected one of {', '.join(choices)}, got {value!r}")
    if "low" in knob.metadata and not knob.metadata["low"] <= value <= knob.metadata["high"]:
        low, high = knob.metadata["low"], knob.metadata["high"]
        raise ConfigError(knob.name, f"expected {low} to {high}, got {value}")


def parse_setting(setting: str) -> tuple[str, Any]:
    """A knob's name and value, from "NAME=VALUE"; whether it is in range is ``Config``'s to say.

    Numbers may be written as in Python (0x10, 1_000); True and False as that, 1 and 0, yes and no.
    """
    name, equals, text = setting.partition("=")
    if name not in KNOBS or not equals:
        raise ConfigError(name, f"expected NAME=VALUE with one of {', '.join(KNOBS)}; got {setting!r}")
    kind = type(KNOBS[name].default)
    if kind is str:
        return name, text
    try:
        return name, _WORDS[text.lower()] if kind is bool else int(text, 0)
    except (KeyError, ValueError):
        wanted = "yes or no" if kind is bool else "a whole number"
        raise ConfigError(name, f"expected {wanted}, got {text!r}") from None


_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}

KNOBS: Mapping[str, Field] = MappingProxyType({knob.name: knob for knob in fields(Config)})
"""The knobs by name; a field's ``metadata`` holds its summary and range."""

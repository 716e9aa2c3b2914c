"""wasmtime-py's configuration on this engine: what has a knob here, what is a hint, what cannot be had.

Whoever changes the import should not have to change the configuration, unless it asks for what is not there.
"""

from __future__ import annotations

from vm.errors import ConfigError
from vm.typed import Mapping

HINTS = {
    "cache": "machine code is kept anyhow: the knobs cache_bytes and cache_folder say how much, and where",
    "cranelift_debug_verifier": "LLVM's verifier is always on",
    "macos_use_mach_ports": "for another system",
    "memory_guard_size": "the guard covers every address that an access can name",
    "memory_init_cow": "memories are given pages when they are touched",
    "memory_may_move": "memories never move",
    "memory_reservation": "memories never move",
    "memory_reservation_for_growth": "memories never move",
    "native_unwind_info": "code is left by a jump",
    "parallel_compilation": "functions are compiled when they are first called",
    "strategy": "the knob ``tier`` chooses the compiler",
}
"""Settings that change no result: they are accepted, and do nothing for the reason given."""

ALWAYS = frozenset(
    {
        "gc_support",
        "shared_memory",
        "wasm_bulk_memory",
        "wasm_custom_page_sizes",
        "wasm_exceptions",
        "wasm_function_references",
        "wasm_gc",
        "wasm_memory64",
        "wasm_multi_memory",
        "wasm_multi_value",
        "wasm_reference_types",
        "wasm_relaxed_simd",
        "wasm_simd",
        "wasm_tail_call",
        "wasm_threads",
        "wasm_wide_arithmetic",
    }
)
"""Features that cannot be switched off."""

NEVER = frozenset(
    {
        "cranelift_nan_canonicalization",
        "wasm_component_model",
        "wasm_component_model_implements",
        "wasm_component_model_map",
        "wasm_relaxed_simd_deterministic",
        "wasm_stack_switching",
    }
)
"""Features that cannot be switched on."""

_LEVELS: Mapping[object, object] = {"none": 0, "speed": 3, "speed_and_size": 2}
_GUARDS: Mapping[object, object] = {True: "guard", False: "checked"}

TRANSLATED: Mapping[str, tuple[str, Mapping[object, object]]] = {
    "cranelift_opt_level": ("opt_level", _LEVELS),
    "signals_based_traps": ("memory_guard", _GUARDS),
}
"""The knob that a setting stands for, and its values."""

NAMES = frozenset(HINTS) | ALWAYS | NEVER | frozenset(TRANSLATED)
"""Every setting that is known here."""


def knobs_for(name: str, value: object) -> dict[str, object]:
    """What to change for ``name = value``; ConfigError when it asks for what this engine does not do."""
    if name in TRANSLATED:
        knob, values = TRANSLATED[name]
        if value not in values:
            raise ConfigError(name, f"expected one of {', '.join(map(repr, values))}, got {value!r}")
        return {knob: values[value]}
    if name in ALWAYS and value is not True:
        raise ConfigError(name, "this is always on here, and cannot be switched off")
    if name in NEVER and value is not False:
        raise ConfigError(name, "this engine does not have it")
    return {}

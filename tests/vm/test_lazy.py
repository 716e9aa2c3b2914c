"""Lazy modules: a body is checked before it first runs, and fails as it would have when all are checked."""

from __future__ import annotations

import pytest

from tests.vm import binary as b
from vm.api import Config, Engine, Instance, Module, Store
from vm.errors import DecodeError, ValidationError, WasmError
from vm.module.leb import encode_unsigned as unsigned
from vm.tiers import TIERS

NOTHING = b"\0\x0b"
LATE = b"\0\x41\1\x24\0\x6a\x0b"
"""Sets the global, then adds what is not there."""
MALFORMED, LOCALS, NOBODY = b"\0\xff\x0b", b"\1\1\x33\x0b", b"\0\x10\x7f\x0b"
"""No instruction; no type of locals; a call of function 127."""


def module(*bodies: bytes, start: int | None = None) -> bytes:
    """Functions [] -> [], exported as "0", "1" and so on, and a mutable i32 as "g"."""
    names = [b"\1" + b"%d" % i + b"\0" + bytes([i]) for i in range(len(bodies))]
    return (
        b.HEADER
        + b.section(b.TYPE, b"\x60\0\0")
        + b.section(b.FUNCTION, *[b"\0"] * len(bodies))
        + b.section(b.GLOBAL, b"\x7f\1\x41\0\x0b")
        + b.section(b.EXPORT, *names, b"\1g\3\0")
        + (bytes([8, 1, start]) if start is not None else b"")
        + b.section(b.CODE, *[unsigned(len(body)) + body for body in bodies])
    )


def calling(index: int) -> bytes:
    """A body that calls another function."""
    return b"\0\x10" + bytes([index]) + b"\x0b"


@pytest.fixture(params=TIERS)
def tier(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def engine(tier: str, validate: str = "lazy", **knobs: object) -> Engine:
    config = Config()
    for name, value in {"tier": tier, "validate": validate, **knobs}.items():
        setattr(config, name, value)
    return Engine(config)


@pytest.mark.parametrize("whole_module_bytes", [0, 16_384])
@pytest.mark.parametrize("bad", [LATE, MALFORMED, LOCALS, NOBODY])
def test_a_bad_body_fails_who_calls_it_and_nobody_else(
    tier: str, bad: bytes, whole_module_bytes: int
) -> None:
    binary = module(NOTHING, bad, calling(1), calling(0))
    with pytest.raises(WasmError) as eager:
        Module.validate(engine(tier), binary)
    lazy = engine(tier, whole_module_bytes=whole_module_bytes)
    store = Store(lazy)
    exports = Instance(store, Module(lazy, binary), []).exports(store)
    exports["3"](store)
    for name in ("1", "2", "1", "2"):
        with pytest.raises(type(eager.value)) as caught:
            exports[name](store)
        assert str(caught.value) == str(eager.value)
        exports["3"](store)
    assert exports["g"].value(store) == 0, "nothing of an invalid body may run"


def test_a_bad_start_function_fails_the_instance(tier: str) -> None:
    lazy = engine(tier)
    loaded = Module(lazy, module(LATE, start=0))
    with pytest.raises(ValidationError, match="type mismatch"):
        Instance(Store(lazy), loaded, [])


@pytest.mark.parametrize(("bad", "error"), [(LATE, ValidationError), (MALFORMED, DecodeError)])
def test_eager_modules_are_checked_when_they_are_loaded(bad: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        Module(engine("reference", validate="eager"), module(NOTHING, bad))


def test_the_rest_of_a_module_is_always_checked_when_it_is_loaded() -> None:
    with pytest.raises(ValidationError, match="unknown function 9"):
        Module(engine("reference"), module(NOTHING, start=9))
    with pytest.raises(DecodeError, match="length out of bounds"):
        Module(engine("reference"), module(NOTHING)[:-1])


def test_text_is_checked_at_once() -> None:
    with pytest.raises(ValidationError) as caught:
        Module(engine("reference"), "(module (func (result i32)))")
    assert caught.value.__notes__ == ["line 1, column 27 of the text: (module (func (result i32)))"]

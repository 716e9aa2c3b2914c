from __future__ import annotations

import pytest

from vm.config import KNOBS, Config, parse_setting
from vm.errors import ConfigError


def test_settings_are_read_by_the_knobs_kind() -> None:
    wanted = {
        "gc_stress=yes": True,
        "opt_level=0x1": 1,
        "max_heap_bytes=1_000_000": 10**6,
        "profile=a=b": "a=b",
    }
    assert {setting: parse_setting(setting)[1] for setting in wanted} == wanted
    for name, value in map(parse_setting, (f"{name}={knob.default}" for name, knob in KNOBS.items())):
        assert value == KNOBS[name].default
    with pytest.raises(ConfigError, match="expected yes or no, got 'perhaps'"):
        parse_setting("gc_stress=perhaps")


def test_every_knob_says_what_it_is_and_its_default_is_allowed() -> None:
    assert all(knob.metadata["summary"].endswith(".") for knob in KNOBS.values())
    assert Config() == Config(**{name: knob.default for name, knob in KNOBS.items()})


@pytest.mark.parametrize(
    ("knob", "value", "words"),
    [
        ("opt_level", 9, "expected 0 to 3, got 9"),
        ("opt_level", "3", "expected int, got '3'"),
        ("opt_level", True, "expected int, got True"),
        ("memory_guard", "none", "expected one of checked"),
        ("colour", 1, "no such knob; there are: tier"),
    ],
)
def test_a_bad_value_names_the_knob_and_what_it_takes(knob: str, value: object, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        Config().with_(**{knob: value})
    assert caught.value.knob == knob

"""Other people's detectors through their own libraries, where these are installed; asv always is."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from regress.detect import DETECTORS, detect
from regress.detect.peers import PACKAGES, PEERS
from regress.errors import RegressError

LIBRARIES = {"asv-steps": "asv", "e-divisive": "otava", "kernel": "ruptures"}


@pytest.fixture(params=[peer.name for peer in PEERS])
def peer(request: pytest.FixtureRequest) -> str:
    """The name of a peer whose library is installed."""
    pytest.importorskip(LIBRARIES[request.param], reason=f"not installed: {PACKAGES[request.param]}")
    return request.param


def noisy(seed: int, n: int = 100) -> np.ndarray:
    return np.exp(0.01 * np.random.default_rng(seed).standard_normal(n))


def test_a_clear_step_is_found_and_described(peer: str) -> None:
    values = noisy(1)
    values[60:] *= 1.1
    (change,) = detect(values, detector=peer)
    assert change.index == 60
    assert change.low < 1.1 < change.high
    assert change.p_value < 1e-6
    assert detect(values, detector=peer, minimum_effect=0.2) == []


def test_values_that_were_not_measured_shift_no_place(peer: str) -> None:
    values = noisy(2)
    values[60:] *= 1.1
    values[[3, 10, 30]] = np.nan
    assert [change.index for change in detect(values, detector=peer)] == [60]


def test_quiet_series_are_left_alone(peer: str) -> None:
    assert sum(len(detect(noisy(seed), detector=peer)) for seed in range(20)) <= 2


@settings(max_examples=60, deadline=None)
@given(values=arrays(np.float64, st.integers(0, 30), elements=st.floats(allow_nan=True, allow_infinity=True)))
def test_any_floats_give_ordered_changes_within(values: np.ndarray) -> None:
    places = [change.index for change in detect(values, detector="asv-steps")]
    assert places == sorted(set(places))
    assert all(0 < place < len(values) for place in places)


def test_a_missing_library_is_named_with_what_to_install() -> None:
    missing = [name for name, library in LIBRARIES.items() if importlib.util.find_spec(library) is None]
    if not missing:
        pytest.skip("all are installed")
    for name in missing:
        with pytest.raises(RegressError, match=f"'{name}' needs {LIBRARIES[name]}") as caught:
            detect(noisy(1), detector=name)
        assert "pip install" in caught.value.hint


def test_peers_are_in_the_registry() -> None:
    assert {peer.name for peer in PEERS} == LIBRARIES.keys() <= DETECTORS.keys()

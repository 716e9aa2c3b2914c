"""Executable memory is handed out and comes back, whenever Python collects."""

from __future__ import annotations

import gc
import sys
import threading
from types import FrameType
from typing import Any

import pytest

from vm.errors import VMError
from vm.native.arena import Arena, Image


def _make_while_others_go(arena: Arena, spare: list[Image]) -> None:
    """Make an image; in front of each line that this takes, one of ``spare`` goes."""

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line" and frame.f_code in (Arena.image.__code__, Arena._take.__code__):
            spare.pop()
        return trace

    sys.settrace(trace)
    try:
        arena.image(1)
    finally:
        sys.settrace(None)


def test_an_image_may_go_while_another_is_made() -> None:
    """The cycle collector may run anywhere, and finalizers with it."""
    arena = Arena()
    spare = [arena.image(1) for _ in range(50)]
    worker = threading.Thread(target=_make_while_others_go, args=(arena, spare), daemon=True)
    worker.start()
    worker.join(30)
    assert not worker.is_alive(), "an image that goes waits for the lock that the maker of another holds"
    assert len(spare) < 45


def test_what_comes_back_is_joined_and_used_again() -> None:
    arena = Arena()
    images = [arena.image(4096) for _ in range(3)]
    first = images[0].address
    images.clear()
    assert arena.image(3 * 4096).address == first


def test_what_nobody_has_is_collected_before_there_is_no_room() -> None:
    arena = Arena(span=4 * 4096)
    gc.disable()
    try:
        for _ in range(10):
            cycle: list[object] = [arena.image(4096)]
            cycle.append(cycle)
            del cycle
    finally:
        gc.enable()
    kept = [arena.image(4096) for _ in range(4)]
    with pytest.raises(VMError, match="no room for 4096 more bytes"):
        arena.image(1)
    assert len({image.address for image in kept}) == 4

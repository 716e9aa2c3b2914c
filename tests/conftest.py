"""Shared by every test: where the checkout and outside data lie; a quiet machine for tests that measure."""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import settings

from tests.chromium import browser as browser  # one for all: two Playwrights in a process would collide
from tests.spec.tally import pytest_terminal_summary as pytest_terminal_summary  # a hook, found by its name

ROOT = Path(__file__).resolve().parent.parent

settings.register_profile(
    "house", derandomize=True, deadline=None
)  # same examples on every host, however slow
settings.load_profile("house")


os.environ.setdefault("WASMVM_OBJECTS", "off")  # what a test compiles, it compiles, whatever ran before

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a shell's background jobs, and all they start
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--bless``: accept what golden tests produce now; review the change as a diff."""
    parser.addoption("--bless", action="store_true", help="rewrite golden files with what the tests produce")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Compare a text with a golden file."""

    def compare(path: Path, found: str) -> None:
        if request.config.getoption("--bless"):
            path.write_text(found)
        assert path.exists(), f"no golden file {path}: run pytest --bless and review it"
        assert found == path.read_text(), f"{path.name} differs: review, then run pytest --bless"

    return compare


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """Test data that lies beside the checkout; REGRESS_SHARED names another place."""
    folder = Path(os.environ.get("REGRESS_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"no test data at {folder}: set REGRESS_SHARED to a folder that holds wasm/ and data/")
    return folder


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let tests marked ``alone`` measure on a machine where no other test of this run works."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return (yield)
    # The factory behind tmp_path has no public name outside fixtures; its parent folder is the run's own.
    run: Path = item.config._tmp_path_factory.getbasetemp().parent  # type: ignore[attr-defined]
    with _room(run, alone=item.get_closest_marker("alone") is not None):
        return (yield)


@contextmanager
def _room(run: Path, *, alone: bool) -> Iterator[None]:
    """A readers-writer lock over the run's processes; a waiting writer holds the door and is not starved."""
    with open(run / "door.lock", "w") as door, open(run / "room.lock", "w") as room:
        fcntl.flock(door, fcntl.LOCK_EX)
        fcntl.flock(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        if not alone:
            fcntl.flock(door, fcntl.LOCK_UN)
        yield

"""Each benchmark runs, and its figure is one that a measurement could give."""

from __future__ import annotations

import inspect
import itertools
import subprocess
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from benchmarks import counters, execution, instances, interpreting, loading, objects, parallel
from benchmarks.corpus import EVERY, HERE
from benchmarks.drivers import Work
from tests.conftest import ROOT
from vm.tiers import TIERS

KINDS = ("time_", "track_", "peakmem_")


def test_the_benchmarks_know_every_tier() -> None:
    assert set(execution.TIERS) == set(TIERS)
    assert set(loading.StartUp.params) == set(TIERS)
    assert set(instances.Idle.params) == set(TIERS)


def methods() -> Iterator[Any]:
    """Each benchmark method with its class."""
    for module in (execution, instances, interpreting, loading, objects, parallel):
        for name, cls in inspect.getmembers(module, inspect.isclass):
            if cls.__module__ == module.__name__:
                for method in dir(cls):
                    if method.startswith(KINDS):
                        yield pytest.param(module, name, method, id=f"{module.__name__}.{name}.{method}")


def first_parameters(cls: type) -> tuple[str, ...]:
    """The first combination, as asv would make it from ``params``."""
    params = getattr(cls, "params", ())
    if not params:
        return ()
    return next(itertools.product(*params)) if isinstance(params[0], tuple) else (params[0],)


@pytest.mark.parametrize(("module", "name", "method"), list(methods()))
def test_every_benchmark_runs(
    module: ModuleType, name: str, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "OWN", loading.OWN[:1])  # one program's compilation shows that it works
    instance = getattr(module, name)()
    parameters: tuple[Any, ...] = first_parameters(type(instance))
    if hasattr(instance, "setup_cache"):
        parameters = (instance.setup_cache(), *parameters)
    try:
        if hasattr(instance, "setup"):
            instance.setup(*parameters)
    except NotImplementedError as skip:
        pytest.skip(f"as asv would: {skip}")
    figure = getattr(instance, method)(*parameters)
    if method.startswith("track_"):
        assert figure > 0


@pytest.mark.parametrize("tier", instances.Idle.params)
def test_a_thousand_idle_instances_take_little_memory(tier: str) -> None:
    assert instances.Idle().track_resident(tier) < 200e6


def test_an_interpreter_is_spared_the_big_programs() -> None:
    with pytest.raises(NotImplementedError):
        execution.Run().setup("quickjs", "reference")


def test_instructions_grow_with_the_work() -> None:
    try:
        counters.require_instructions()
    except NotImplementedError as skip:
        pytest.skip(str(skip))

    def work(size: int) -> Work:
        return lambda: b"".join(bytes([i & 255]) for i in range(size))

    few, many = counters.instructions(work(10_000)), counters.instructions(work(100_000))
    assert 5 < many / few < 20


def test_the_readme_maps_every_file() -> None:
    folder = HERE.parent
    readme = (folder / "README.md").read_text()
    files = [path.name for path in folder.glob("*.py") if path.name != "__init__.py"]
    assert [name for name in (*files, *EVERY) if f"`{name}`" not in readme] == []


@pytest.mark.parametrize("workers", [2, 16, 64])
def test_simulated_workers_have_work(workers: int) -> None:
    """The parallel compiler's decisions keep them busy, while its messages take 200 us a task."""
    assert 0.9 < parallel.efficiency(workers, 0.0002, 0.02, measured=False) < 1


def test_a_simulated_program_that_is_too_slow_starves_its_workers() -> None:
    assert parallel.efficiency(64, 0.002, 0.02, 1_000, measured=False) < 0.2


def test_making_code_is_timed_in_each_tier() -> None:
    from benchmarks import compiling

    count, seconds = compiling.measure(10)
    assert count >= 10
    assert {"threaded", "baseline, as Python", "llvm, level 3"} <= set(seconds)
    assert min(seconds.values()) > 0


DISCOVERED = """
import importlib, json, pkgutil, sys
for name in ("numpy", "httpx", "filelock", "orjson", "sqlalchemy", "typer", "fastapi", "regress"):
    sys.modules[name] = None  # what asv's environments lack: importing it raises
def walk(name):
    module = importlib.import_module(name)
    for _, below, _ in pkgutil.iter_modules(getattr(module, "__path__", ()), f"{name}."):
        walk(below)
walk("benchmarks")
"""


def test_what_asv_looks_through_can_be_imported_where_it_looks() -> None:
    """Else ``regress run``, README's first command, measures nothing: "does not build"."""
    done = subprocess.run([sys.executable, "-c", DISCOVERED], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-1000:]

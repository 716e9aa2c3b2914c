"""Where time goes: samples of running code in every tier, what is made of them, ``wasmvm profile``."""

from __future__ import annotations

import ctypes
import gc
import json
import mmap
import os
import signal
import struct
import threading
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import vm.api as w
from tests.vm.engines import binary
from vm.cli import main
from vm.errors import ConfigError, VMError
from vm.events import KINDS, Event, listening, note
from vm.native import jitdump, perf, perfmap, signals
from vm.native.sampling import sampler
from vm.native.tier import NativeTier
from vm.profiling import Profiler, Recording, flame, perfetto, summary
from vm.profiling.recording import Place, _Resolver
from vm.tiers import TIERS, load

NATIVE = [name for name in TIERS if load(name).native]

SPIN = """(module
  (import "host" "rest" (func $rest))
  (func $spin (param $n i32) (result i32) (local $x i32)
    (loop $again
      (local.set $x (i32.add (i32.mul (local.get $x) (i32.const 31)) (local.get $n)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $x))
  (func (export "outer") (param i32) (result i32) (call $rest) (call $spin (local.get 0)))
  (func (export "_start") (drop (call $spin (i32.const 30000000)))))"""

NEVER: dict[str, Any] = {"tier_calls": 1 << 40, "tier_trips": 1 << 40, "cache_bytes": 0}
"""For the tiered tier: nothing is ever hot, nor noted for a next start, so Python, which would take samples
too, is not asked."""

ENOUGH = 20
"""Samples that a test waits for, in however many rounds; without any in a thousand, something is broken."""


def spin(tier: str, **knobs: Any) -> tuple[w.Engine, Any]:
    """An engine, and a function that spins so many times."""
    config = w.Config()
    config.tier = tier
    for name, value in knobs.items():
        setattr(config, name, value)
    engine = w.Engine(config)
    store = w.Store(engine)
    rest = w.Func(store, w.FuncType([], []), lambda: None)
    instance = w.Instance(store, w.Module(engine, SPIN), [rest])
    outer = instance.exports(store)["outer"]
    return engine, lambda count: outer(store, count)


def profiled(tier: str, **knobs: Any) -> Recording:
    """What is seen of it."""
    engine, run = spin(tier, **knobs)
    run(10)
    with Profiler(engine) as profiler:
        for _ in range(1000):
            run(300_000)
            if profiler.samples >= ENOUGH:
                break
    return profiler.recording


@pytest.mark.parametrize("tier", NATIVE)
def test_samples_find_the_function_that_runs_and_who_called_it(tier: str) -> None:
    recording = profiled(tier, debug_info=True, **(NEVER if tier == "tiered" else {}))
    assert recording.samples >= ENOUGH
    rows = {row.name: row for row in summary.rows(recording)}
    busiest = max(rows.values(), key=lambda row: row.self)
    assert (busiest.name, busiest.function) == ("spin", 1)
    assert set(busiest.tiers) <= ({"baseline", "threaded"} if tier == "tiered" else {tier})
    below = [stack for stack in recording.stacks if stack[-1].name == "spin" and len(stack) > 1]
    assert {stack[-2].label for stack in below} == {"function 2"}  # by export only, it has no name


def test_a_program_that_has_dropped_its_store_is_still_told() -> None:
    engine, run = spin("threaded", debug_info=True)
    with Profiler(engine) as profiler:
        for _ in range(1000):
            run(300_000)
            if profiler.samples >= ENOUGH:
                break
        _, run = spin("threaded")  # the store, the instance and the module had no other owner
        gc.collect()
    assert max(summary.rows(profiler.recording), key=lambda row: row.self).name == "spin"


def test_of_a_program_that_makes_many_instances_only_code_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vm.native.tier._MOST_HELD", 1)
    engine, run = spin("threaded")
    del run
    gc.collect()
    native = engine.tier
    assert isinstance(native, NativeTier)
    assert native.stores() == []
    with native.holding():
        for _ in range(3):
            store = w.Store(engine)
            rest = w.Func(store, w.FuncType([], []), lambda: None)
            w.Instance(store, w.Module(engine, SPIN), [rest]).exports(store)["outer"](store, 10)
        del store, rest
        gc.collect()
        assert (len(native.stores()), len(native._programs)) == (1, 3)
    gc.collect()
    assert (len(native.stores()), len(native._programs)) == (0, 0)


def test_nobody_else_profiles_until_all_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was noted, and whose the code is, would be the next one's."""
    engine, _ = spin("threaded")
    asked: list[NativeTier] = []

    def resolver(tier: NativeTier) -> _Resolver:
        with pytest.raises(VMError, match="being profiled already"):
            sampler().start(10)
        asked.append(tier)
        return _Resolver(tier)

    monkeypatch.setattr("vm.profiling.recording._Resolver", resolver)
    for _ in range(2):
        with Profiler(engine):
            pass
    assert asked == [engine.tier] * 2


def test_one_profiler_at_a_time_and_other_handlers_of_its_signal_are_served() -> None:
    engine, run = spin("threaded")
    rung = []
    before = signal.signal(signal.SIGPROF, lambda number, _: rung.append(number))
    try:
        with Profiler(engine):
            with pytest.raises(VMError, match="being profiled already"):
                sampler().start(10)
            run(10)
            signal.raise_signal(signal.SIGPROF)
        assert rung == [signal.SIGPROF]
    finally:
        signal.signal(signal.SIGPROF, before)


def test_an_interrupt_waits_until_a_sample_is_taken() -> None:
    """Its handler would not find the thread in the body that it is to stop."""
    engine, _ = spin("threaded")
    held: list[bool] = []

    @ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
    def behind(*_: object) -> None:
        held.append(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ()))

    before = signal.signal(signal.SIGPROF, signal.SIG_IGN)
    try:
        signals.handle(signal.SIGPROF, ctypes.cast(behind, ctypes.c_void_p).value or 0, 0)
        with Profiler(engine):
            signal.raise_signal(signal.SIGPROF)
    finally:
        signal.signal(signal.SIGPROF, before)
    assert held == [True]


def test_what_cannot_be_profiled_is_refused() -> None:
    engine, _ = spin("reference")
    with pytest.raises(ConfigError, match="reference runs in Python"):
        Profiler(engine)
    for rate in (0, 1_000_000):
        with pytest.raises(VMError, match="rate: expected 1 to"):
            sampler().start(rate)


def test_events_tell_what_was_compiled_and_when() -> None:
    _, run = spin("tiered", tier_waits=True, tier_observes=0, tier_calls=1, tier_trips=1)
    with listening() as log:
        run(10)
    counts = log.counts()
    assert set(counts) == set(KINDS)
    assert counts["hot"] == counts["installed"] >= counts["made"] >= 1
    at = [event.at for event in log.events]
    assert at == sorted(at)
    before = len(log.events)
    run(10)
    assert len(log.events) == before  # nobody listens any more


def test_events_are_counted_while_others_happen() -> None:
    over = threading.Event()

    def happen() -> None:
        while not over.is_set():
            note("hot", function=1)

    with listening() as log:
        other = threading.Thread(target=happen)
        other.start()
        try:
            while log.counts()["hot"] < 20_000:
                pass
        finally:
            over.set()
            other.join()


def test_perf_finds_the_names_of_compiled_functions() -> None:
    listed = Path(perfmap.path())
    try:
        for tier in ("llvm", "baseline"):
            engine, run = spin(tier, profiler="perfmap")
            run(10)
            lines = [line.split(maxsplit=2) for line in listed.read_text().splitlines()]
            ((start, size),) = [
                (int(a, 16), int(b, 16)) for a, b, name in lines if name == f"function 2 [{tier}]"
            ]
            assert size > 16
            frames, found = engine.tier.place(start + size // 2)  # type: ignore[attr-defined]
            assert ([frame.function_index for frame in frames], found) == ([2], tier)
        assert listed.stat().st_mode & 0o777 == 0o600
    finally:
        listed.unlink(missing_ok=True)


def test_perf_finds_the_code_of_compiled_functions() -> None:
    """As the format's specification has it, read by offsets of its own."""
    dumped = Path(jitdump.path())
    runs = [spin(tier, profiler="jitdump")[1] for tier in ("llvm", "baseline")]
    try:
        for run in runs:
            run(10)
        content = dumped.read_bytes()
        magic, version, at, machine, _, process = struct.unpack_from("<6I", content)
        assert (magic, version, process) == (0x4A695444, 1, os.getpid())
        assert machine == struct.unpack_from("<H", Path("/proc/self/exe").read_bytes()[:20], 18)[0]
        names, times = [], []
        while at < len(content):
            kind, size, moment = struct.unpack_from("<IIQ", content, at)
            address, _, length, number = struct.unpack_from("<4Q", content, at + 24)
            name, code = content[at + 56 : at + size].split(b"\0", 1)
            assert (kind, number, len(code)) == (0, len(names), length)
            assert code == ctypes.string_at(address, length)
            names.append(name.decode())
            times.append(moment)
            at += size
        assert at == len(content)
        assert {"function 2 [llvm]", "function 2 [baseline]"} <= set(names)
        assert times == sorted(times)
        assert str(dumped) in Path("/proc/self/maps").read_text()  # how perf learns of it
    finally:
        dumped.unlink(missing_ok=True)


def test_a_dump_that_cannot_be_begun_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "jit.dump"
    monkeypatch.setattr(jitdump, "path", lambda: str(place))
    monkeypatch.setattr(jitdump, "_opened", {})
    monkeypatch.setattr(mmap, "MAP_PRIVATE", 0)  # refused, as where nothing may be run
    with pytest.raises(VMError, match="set profiler to none"):
        perf.tell("jitdump", [(16, 1, "f")])
    assert place.stat().st_size == jitdump.HEADER.size
    assert str(place) not in map(os.path.realpath, Path("/proc/self/fd").iterdir())


@pytest.mark.parametrize("put", [os.symlink, os.link, lambda _, place: os.mkfifo(place)])
def test_what_others_put_where_perf_looks_is_not_written_to(
    put: Callable[[Path, Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, place = tmp_path / "mine", tmp_path / "perf.map"
    mine.write_text("precious")
    put(mine, place)
    reader = os.open(place, os.O_RDONLY | os.O_NONBLOCK)  # else no pipe could be opened
    try:
        for form in (perfmap, jitdump):
            monkeypatch.setattr(form, "path", lambda: str(place))
            monkeypatch.setattr(form, "_opened", {})
        for name in perf.FORMS:
            with pytest.raises(VMError, match="remove it, or set profiler to none"):
                perf.tell(name, [(16, 1, "f")])
    finally:
        os.close(reader)
    assert mine.read_text() == "precious"


def made_up() -> Recording:
    """Three samples of main, two of them in a function with a name that no page or terminal should meet."""
    main, evil = Place("main", 1, "baseline"), Place("<b>&;\x1b[2J", 2, "llvm", "m")
    events = [
        Event(1_000_000, "queued", {"function": 2, "waiting": 1}),
        Event(2_000_000, "started", {"function": 2, "worker": 0, "waiting": 0}),
        Event(5_000_000, "made", {"function": 2, "worker": 0, "seconds": 0.25, "waiting": 0}),
        Event(5_000_000, "deopt", {"function": 2, "offset": 40, "root": 1, "loop": -1}),
        Event(5_000_000, "demoted", {"function": 1, "offset": 40, "loop": -1}),
    ]
    moments, seen = [1_000_000, 2_000_000, 3_000_000], [0, 1, 1]
    return Recording(1000, 0, 0.005, [(main,), (main, evil)], [1, 2], moments, seen, 4, 0, events, {"x": 1.0})


def test_the_table_and_the_data_say_the_same() -> None:
    data = summary.data(made_up())
    assert [(row["name"], row["self"], row["total"]) for row in data["functions"]] == [
        ("<b>&;\x1b[2J", 2, 2),
        ("main", 1, 3),
    ]
    assert data["tiers"] == {"llvm": 2, "baseline": 1}
    assert data["events"][2] == {
        "at": 0.005, "kind": "made", "function": 2, "worker": 0, "seconds": 0.25, "waiting": 0
    }  # fmt: skip
    assert json.loads(json.dumps(data)) == data
    table = summary.table(made_up(), most=1)
    assert "3 samples in 0.01 s, 4 outside of the program" in table
    assert "  66.7%   66.7%  <b>&;\N{REPLACEMENT CHARACTER}[2J  (function 2)  [llvm]" in table
    assert "and 1 more" in table
    assert "deoptimised: 1 times, 1 of them in function 2; code was made anew to expect less 1 times" in table
    assert "1 requests made in 0.25 s of a processor, 0 found on disk; at most 1 waited" in table


def test_flame_graphs_are_wide_by_samples_and_safe_to_open() -> None:
    assert flame.folded(made_up()) == (
        "main_[baseline] 1\nmain_[baseline];<b>&:\N{REPLACEMENT CHARACTER}[2J_[llvm] 2\n"
    )
    root = ElementTree.fromstring(flame.svg(made_up(), "a<b>"))
    boxes = root.findall("{*}g")
    widths = {box.findtext("{*}title"): float(box.find("{*}rect").get("width")) for box in boxes}  # type: ignore[union-attr, arg-type]
    assert widths == {
        "main [baseline]: 3 samples, 100.0%": 1199.5,
        "<b>&;\N{REPLACEMENT CHARACTER}[2J [llvm]: 2 samples, 66.7%": 799.5,
    }


def test_the_trace_joins_samples_that_have_frames_in_common() -> None:
    events = perfetto.trace(made_up(), "p")["traceEvents"]
    ran = [(e["name"], e["ts"], e["dur"]) for e in events if e["ph"] == "X" and e["tid"] == 1]
    assert sorted(ran) == [("<b>&;\N{REPLACEMENT CHARACTER}[2J", 2000.0, 2000.0), ("main", 1000.0, 3000.0)]
    (compiled,) = [e for e in events if e["ph"] == "X" and e["tid"] == 100]
    assert (compiled["ts"], compiled["dur"], compiled["args"]["outcome"]) == (2000.0, 3000.0, "made")
    assert [e["args"]["tasks"] for e in events if e["ph"] == "C"] == [1, 0, 0]


def test_the_command_writes_what_it_is_asked_for(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    program = tmp_path / "spin.wasm"
    program.write_bytes(binary(SPIN.replace('(import "host" "rest" (func $rest))', "(func $rest)")))
    outputs = [tmp_path / "out.svg", tmp_path / "out.trace"]
    options = ["--flame", str(outputs[0]), "--trace", str(outputs[1]), "--json", "-", "--tier", "threaded"]
    assert main(["profile", *options, str(program)]) == 0
    out, err = capfd.readouterr()
    data = json.loads(out)
    busiest = next(row for row in data["functions"] if row["function"] >= 0)
    assert (busiest["name"], list(busiest["tiers"])) == ("spin", ["threaded"])
    assert "spin  (function 1)  [threaded]" in err
    assert all(path.stat().st_size for path in outputs)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--rate", "0"], "--rate 0: expected 1 to 10000"),
        (["--top", "-1"], "--top -1: expected 0 or more"),
        (["--tier", "reference"], "tier: reference runs in Python"),
        (["--json", "/nowhere/x.json"], "/nowhere/x.json: cannot be written"),
    ],
)
def test_the_command_says_what_it_cannot_do(
    options: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "spin.wasm"
    program.write_bytes(binary("(module)"))
    assert main(["profile", *options, str(program)]) == 2
    assert said in capsys.readouterr().err


def test_a_profiler_that_cannot_start_says_why_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "spin.wasm"
    program.write_bytes(binary("(module)"))
    sampler().start(10)
    try:
        assert main(["profile", "--tier", "threaded", str(program)]) == 2
    finally:
        sampler().stop()
    assert "being profiled already" in capsys.readouterr().err
    engine, _ = spin("threaded")
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", _no_thread)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            Profiler(engine).__enter__()
    with Profiler(engine):  # nobody profiles any more
        pass


def _no_thread(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")  # as Python says it


def test_a_store_that_lies_where_another_was_gives_no_wrong_name() -> None:
    engine, run = spin("threaded")
    run(1)
    (store,) = engine.tier.stores()  # type: ignore[attr-defined]
    seen = ((16,), store.state.address)
    resolver = _Resolver(engine.tier)  # type: ignore[arg-type]
    names = [resolver.stack((*seen, handle << 1 | 1))[-1].name for handle in (0, 1 << 20)]
    assert names == ["host.rest", "host function"]


@pytest.mark.parametrize("tier", NATIVE)
def test_time_in_host_functions_is_their_callers_too(tier: str) -> None:
    config = w.Config()
    config.tier = tier
    for name, value in NEVER.items():
        setattr(config, name, value)
    store = w.Store(w.Engine(config))
    slow = w.Func(store, w.FuncType([w.ValType.i32()], []), lambda count: [sum(range(count))].clear())
    text = """(module (import "env" "slow" (func $slow (param i32)))
      (func $inner (export "outer") (param i32) (call $slow (local.get 0))))"""
    outer = w.Instance(store, w.Module(store.engine, text), [slow]).exports(store)["outer"]
    outer(store, 1)
    with Profiler(store.engine) as profiler:
        for _ in range(10_000):
            outer(store, 20_000)
            if profiler.samples >= ENOUGH:
                break
    rows = {row.name: row for row in summary.rows(profiler.recording)}
    assert rows["inner"].total >= rows["env.slow"].total == rows["env.slow"].self > ENOUGH // 2

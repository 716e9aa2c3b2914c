"""The store, on every database it supports."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regress.domain import (
    Bisection,
    ChangePoint,
    Commit,
    Delivery,
    Direction,
    Environment,
    EventKind,
    EventUpdate,
    Failure,
    FailureKind,
    Machine,
    Measurement,
    Metric,
    Receipt,
    SeriesChange,
    SeriesKey,
    State,
)
from regress.errors import StoreError, StoreLockedError, UnknownNameError
from regress.store import Store

START = datetime(2026, 1, 1, tzinfo=UTC)
TIME = Metric("wall time", "seconds")
KEY = SeriesKey("bench", (("n", "1"),), TIME, "box", "py3.11", "main", "v1")


def sha(i: int) -> str:
    return f"{i:08x}" + "0" * 32


def commit(i: int, position: int | None = None, subject: str = "") -> Commit:
    at = START + timedelta(hours=i)
    return Commit(
        sha(i),
        (sha(i - 1),) if i else (),
        "Ann",
        at,
        at,
        subject or f"change {i}",
        i if position is None else position,
    )


def measured(i: int, value: float, key: SeriesKey = KEY, hours: int | None = 0) -> Measurement:
    at = None if hours is None else START + timedelta(hours=hours)
    return Measurement(key, sha(i), value, value - 0.1, value + 0.1, (value, value + 0.05), at)


def delivery(*measurements: Measurement, digest: str = "", failures: tuple[Failure, ...] = ()) -> Delivery:
    machine, environment = Machine("box", (("cpu", "x86"),)), Environment("py3.11", (("python", "3.11"),))
    digest = digest or repr((measurements, failures))
    return Delivery("asv", "file.json", digest, machine, environment, measurements, failures)


def failure(i: int, kind: FailureKind = FailureKind.BENCHMARK, benchmark: str = "bench") -> Failure:
    parameters = KEY.parameters if kind is FailureKind.BENCHMARK else ()
    return Failure(kind, sha(i), "Traceback ...", "box", "py3.11", benchmark, parameters)


@pytest.fixture(scope="session")
def postgres_uri() -> Iterator[str]:
    """A PostgreSQL server of our own, in a folder short enough for its socket's name."""
    # ignore_cleanup_errors: a server started by root runs as another user and owns the folder
    with tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", _private(Path(folder) / "run"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                import pgserver

                server = pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
            except Exception as error:  # whatever keeps it from starting is what to show
                pytest.skip(f"PostgreSQL cannot be started here: {error!r}")
        import psycopg

        with psycopg.connect(
            server.get_uri(), autocommit=True
        ) as connection:  # the tests kill clients, not servers
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        yield server.get_uri()
        server.cleanup()


def _private(folder: Path) -> str:
    folder.mkdir(mode=0o700)
    return str(folder)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/deep/regress.db"
    import psycopg

    uri: str = request.getfixturevalue("postgres_uri")
    name = "t" + os.urandom(6).hex()
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return uri.replace("/postgres?", f"/{name}?")


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """An open store whose main branch has ten commits."""
    with Store.open(url) as opened:
        opened.record_commits("main", [commit(i) for i in range(10)], default=True)
        yield opened


# -- history ---------------------------------------------------------------------------------------------


def test_commits_come_back_as_told_oldest_first(store: Store) -> None:
    assert store.commits("main") == [commit(i) for i in range(10)]
    assert store.commits("main", last=2) == [commit(8), commit(9)]
    assert store.commits("elsewhere") == []


def test_telling_history_again_changes_nothing(store: Store) -> None:
    store.record_commits("main", [commit(i) for i in range(4, 10)])
    assert store.commits("main") == [commit(i) for i in range(10)]


def test_a_rewritten_branch_loses_what_followed_the_first_contradiction(store: Store) -> None:
    store.deliver(delivery(*(measured(i, 1.0) for i in range(10))))
    told = [commit(7), commit(18, position=8)]
    store.record_commits("main", told)
    assert [c.sha for c in store.commits("main")] == [sha(i) for i in (*range(8), 18)]
    (series,) = store.all_series("main")
    assert [point.commit for point in series.points] == [sha(i) for i in range(8)]
    store.record_commits("main", [commit(i) for i in range(7, 10)])
    assert store.commits("main") == [commit(i) for i in range(10)]
    assert len(store.series(series.id).points) == 10


def test_commits_are_found_by_prefix_or_branch(store: Store) -> None:
    assert store.commit(sha(3)[:10]) == commit(3)
    assert store.commit(sha(3).upper()) == commit(3)
    assert store.commit("main") == commit(9)
    with pytest.raises(UnknownNameError, match="unknown commit '0000'"):
        store.commit("0000")  # ambiguous
    with pytest.raises(UnknownNameError) as caught:
        store.commit("mian")
    assert caught.value.near == ("main",)
    with pytest.raises(UnknownNameError):
        store.commit("%")


def test_the_default_branch_is_first(store: Store) -> None:
    store.record_commits("topic", [commit(0)])
    assert (store.branches(), store.default_branch()) == (["main", "topic"], "main")
    store.record_commits("topic", [], default=True)
    assert (store.branches(), store.default_branch()) == (["topic", "main"], "topic")


def test_an_empty_store_answers(url: str) -> None:
    with Store.open(url) as store:
        assert store.default_branch() is None
        assert [store.branches(), store.series_list(), store.events(), store.runs(), store.benchmarks()] == [
            []
        ] * 5
        assert store.failures(latest_only=True) == []


# -- deliveries ------------------------------------------------------------------------------------------


def test_measurements_come_back_as_delivered(store: Store) -> None:
    other = replace(KEY, benchmark="other", parameters=(), metric=Metric("rate", "ops/s", Direction.HIGHER))
    bare = Measurement(other, sha(1), 5.0)
    receipt = store.deliver(delivery(measured(1, 2.0), bare))
    assert (receipt.new, receipt.updated, receipt.unchanged, receipt.duplicate) == (2, 0, 0, False)
    assert [m for _, m in store.measurements_at(sha(1))] == [measured(1, 2.0), bare]
    assert store.benchmarks() == ["bench", "other"]
    assert store.machines() == [Machine("box", (("cpu", "x86"),))]
    (run,) = store.runs()
    assert (run.id, run.source, run.machine, run.environment, run.new) == (
        receipt.run_id,
        "asv",
        "box",
        "py3.11",
        2,
    )


def test_the_same_delivery_twice_changes_nothing(store: Store) -> None:
    first = store.deliver(delivery(measured(1, 2.0), failures=(failure(2),)))
    again = store.deliver(delivery(measured(1, 2.0), failures=(failure(2),)))
    assert again == Receipt(first.run_id, unchanged=1, duplicate=True)
    assert len(store.runs()) == len(store.failures()) == 1


@pytest.mark.parametrize(
    ("second_hours", "expected", "count"),
    [(5, 3.0, "updated"), (3, 3.0, "updated"), (1, 2.0, "unchanged"), (None, 2.0, "unchanged")],
)
def test_the_newest_measurement_wins(
    store: Store, second_hours: int | None, expected: float, count: str
) -> None:
    store.deliver(delivery(measured(1, 2.0, hours=3)))
    receipt = store.deliver(delivery(measured(1, 3.0, hours=second_hours)))
    assert getattr(receipt, count) == 1
    assert [m.value for _, m in store.measurements_at(sha(1))] == [expected]


def test_overlapping_deliveries_count_what_is_the_same(store: Store) -> None:
    store.deliver(delivery(measured(1, 2.0), measured(2, 2.0)))
    receipt = store.deliver(delivery(measured(2, 2.0), measured(3, 2.0)))
    assert (receipt.new, receipt.updated, receipt.unchanged) == (1, 0, 1)


def test_points_are_in_history_order_and_only_of_the_branch(store: Store) -> None:
    store.deliver(delivery(*(measured(i, float(i)) for i in (7, 2, 99, 5))))
    (summary,) = store.series_list("main")
    assert (summary.key, summary.points, summary.latest_at) == (KEY, 3, START)
    assert summary.latest is not None
    assert (summary.latest.commit, summary.latest.value) == (sha(7), 7.0)
    series = store.series(summary.id)
    assert [(p.position, p.value) for p in series.points] == [(2, 2.0), (5, 5.0), (7, 7.0)]
    assert series.points[0].samples == (2.0, 2.05)
    assert list(store.all_series("main")) == [series]
    store.record_commits("main", [commit(99, position=10)])  # later, history tells the missing one
    assert [p.value for p in store.series(summary.id).points] == [2.0, 5.0, 7.0, 99.0]


def test_series_are_split_by_everything_in_their_key(store: Store) -> None:
    keys = [
        KEY,
        replace(KEY, version="v2"),
        replace(KEY, machine="other"),
        replace(KEY, environment="py3.12"),
        replace(KEY, branch="topic"),
        replace(KEY, parameters=(("n", "2"),)),
        replace(KEY, metric=Metric("peak memory", "bytes")),
        replace(KEY, benchmark="bench2"),
    ]
    store.deliver(delivery(*(measured(1, 1.0, key) for key in keys)))
    assert {s.key for s in store.series_list()} == set(keys)
    assert len(store.series_list(branch="main")) == 7
    assert len(store.series_list(branch="main", machine="other")) == 1
    assert {s.key.benchmark for s in store.series_list(benchmark="bench2")} == {"bench2"}


def test_unknown_series_and_events_say_so(store: Store) -> None:
    for ask in (store.series, store.event, lambda id_: store.set_state(id_, State.FIXED)):
        with pytest.raises(UnknownNameError):
            ask(12345)


def test_a_delivery_is_stored_whole_or_not_at_all(store: Store) -> None:
    with pytest.raises(ValueError, match="no measurement"):
        store.deliver(delivery(measured(1, 1.0), measured(2, float("nan"))))
    assert (store.runs(), store.series_list(), store.benchmarks()) == ([], [], [])


def test_failures_are_replaced_and_cleared_by_measurements(store: Store) -> None:
    build = failure(4, FailureKind.BUILD, "")
    store.deliver(delivery(failures=(failure(3), failure(4), build)))
    store.deliver(delivery(failures=(replace(failure(3), log="again"),), digest="x"))
    assert {(f.commit, f.kind, f.log) for f in store.failures()} == {
        (sha(3), FailureKind.BENCHMARK, "again"),
        (sha(4), FailureKind.BENCHMARK, "Traceback ..."),
        (sha(4), FailureKind.BUILD, "Traceback ..."),
    }
    assert store.failures(sha(3)) == [replace(failure(3), log="again")]
    store.deliver(delivery(measured(4, 1.0)))
    assert [f.commit for f in store.failures()] == [sha(3)]


def test_latest_failures_are_those_of_the_newest_commit_tried(store: Store) -> None:
    store.deliver(delivery(measured(3, 1.0), failures=(failure(4),)))
    assert store.failures(latest_only=True) == [failure(4)]
    store.deliver(delivery(measured(5, 1.0)))
    assert store.failures(latest_only=True) == []


def test_commit_statuses_count_series_and_failures(store: Store) -> None:
    other = replace(KEY, benchmark="other")
    store.deliver(delivery(measured(8, 1.0), measured(8, 1.0, other), failures=(failure(9),)))
    statuses = store.commit_statuses("main", 3)
    assert [(s.commit.position, s.measured, s.failures) for s in statuses] == [
        (7, 0, ()),
        (8, 2, ()),
        (9, 0, (failure(9),)),
    ]


def test_text_that_databases_refuse_is_replaced(store: Store) -> None:
    key = replace(KEY, benchmark="a\x00b\ud800", parameters=(("n", "\udfff"),))
    store.deliver(delivery(measured(1, 1.0, key), failures=(replace(failure(2), log="\x00"),)))
    assert store.benchmarks() == ["a�b�"]
    assert store.series_list()[0].key.parameters == (("n", "�"),)
    assert store.deliver(delivery(measured(3, 1.0, key))).new == 1
    assert len(store.series_list()) == 1


def test_times_without_a_zone_are_refused(store: Store) -> None:
    with pytest.raises(Exception, match="naive datetime"):
        store.deliver(delivery(replace(measured(1, 1.0), measured_at=datetime(2026, 1, 1))))


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
FLOAT = st.floats(allow_nan=False, allow_infinity=False)
MEASUREMENT = st.builds(
    Measurement,
    series=st.builds(
        SeriesKey,
        benchmark=TEXT,
        parameters=st.lists(st.tuples(TEXT, TEXT), max_size=2).map(tuple),
        metric=st.builds(Metric, TEXT, TEXT, st.sampled_from(Direction)),
        machine=TEXT,
        environment=TEXT,
        branch=st.just("main"),
        version=TEXT,
    ),
    commit=st.integers(0, 9).map(sha),
    value=FLOAT,
    low=st.none() | FLOAT,
    high=st.none() | FLOAT,
    samples=st.lists(FLOAT, max_size=5).map(tuple),
    measured_at=st.none() | st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(MEASUREMENT, max_size=6, unique_by=lambda m: (m.series, m.commit)))
def test_any_delivery_comes_back(store: Store, measurements: list[Measurement]) -> None:
    # Examples share the database: only a digest of its own makes a delivery new, and earlier ones stay.
    told = {(m.series, m.commit): replace(m, measured_at=START + timedelta(days=36500)) for m in measurements}
    store.deliver(delivery(*told.values(), digest=os.urandom(8).hex()))
    stored = {(m.series, m.commit): m for i in range(10) for _, m in store.measurements_at(sha(i))}
    assert {key: stored[key] for key in told} == told


# -- events ----------------------------------------------------------------------------------------------


@pytest.fixture
def ids(store: Store) -> list[int]:
    """Two series with points at every commit; their ids."""
    keys = [KEY, replace(KEY, benchmark="other")]
    store.deliver(delivery(*(measured(i, 1.0, key) for i in range(10) for key in keys)))
    return [summary.id for summary in store.series_list("main")]


def change(
    series: int, at: int, ratio: float = 1.2, reach: tuple[int, int] | None = None, p: float = 1e-6
) -> SeriesChange:
    low, high = reach or (at, at)
    point = ChangePoint(at, 1.0, ratio, ratio - 0.1, ratio + 0.1, p, low, high)
    return SeriesChange(series, KEY, sha(at - 1), sha(at), point, sha(low), sha(high))


def test_changes_of_one_commit_and_kind_are_one_event(store: Store, ids: list[int]) -> None:
    update = store.replace_changes(
        "main", [change(ids[0], 5), change(ids[1], 5, 1.5), change(ids[0], 8, 0.8)]
    )
    assert len(update.new) == 2
    improvement, regression = store.events()
    assert (improvement.kind, improvement.first_after) == (EventKind.IMPROVEMENT, sha(8))
    assert (regression.kind, regression.last_before, regression.first_after) == (
        EventKind.REGRESSION,
        sha(4),
        sha(5),
    )
    assert regression.worst.change.ratio == 1.5
    assert {c.series.benchmark for c in regression.changes} == {"bench", "other"}
    assert store.events(kind=EventKind.REGRESSION) == [regression]
    assert store.events(limit=1) == [improvement]
    assert store.event(regression.id) == regression


def test_an_unsure_change_joins_the_sure_one_that_it_may_be(store: Store, ids: list[int]) -> None:
    store.replace_changes("main", [change(ids[0], 6, reach=(4, 7), p=1e-4), change(ids[1], 5, p=1e-9)])
    (event,) = store.events()
    assert (event.last_before, event.first_after) == (sha(4), sha(5))


def test_a_sparse_series_takes_the_narrower_range_of_a_dense_one(store: Store, ids: list[int]) -> None:
    sparse = replace(change(ids[0], 8, p=1e-9), last_before=sha(2))
    store.replace_changes("main", [sparse, change(ids[1], 6, p=1e-5)])
    (event,) = store.events()
    assert (event.last_before, event.first_after) == (sha(5), sha(6))


def test_events_keep_identity_and_triage_across_analysis(store: Store, ids: list[int]) -> None:
    store.replace_changes("main", [change(ids[0], 5)])
    (first,) = store.events()
    store.set_state(first.id, State.INVESTIGATING)
    update = store.replace_changes("main", [change(ids[0], 6, reach=(5, 6)), change(ids[1], 2)])
    assert update.kept == (first.id,)
    again = store.event(first.id)
    assert (again.state, again.first_after, again.first_seen) == (
        State.INVESTIGATING,
        sha(6),
        first.first_seen,
    )


def test_what_vanishes_went_away_and_comes_back_as_it_was(store: Store, ids: list[int]) -> None:
    store.replace_changes("main", [change(ids[0], 5)])
    (event,) = store.events()
    store.set_state(event.id, State.ACKNOWLEDGED)
    assert store.replace_changes("main", []) == EventUpdate(went_away=(event.id,))
    assert store.events(state=State.WENT_AWAY) == [replace(store.event(event.id), state=State.WENT_AWAY)]
    assert store.event(event.id).changes == event.changes
    assert store.replace_changes("main", []) == EventUpdate()
    store.replace_changes("main", [change(ids[0], 5)])
    assert store.event(event.id).state is State.ACKNOWLEDGED


@pytest.mark.parametrize("state", [State.EXPECTED, State.FIXED, State.INVALID])
def test_a_persons_last_word_stands(store: Store, ids: list[int], state: State) -> None:
    store.replace_changes("main", [change(ids[0], 5)])
    (event,) = store.events()
    store.set_state(event.id, state)
    store.replace_changes("main", [])
    assert store.event(event.id).state is state
    assert store.replace_changes("main", [change(ids[0], 5)]).kept == (event.id,)
    assert store.event(event.id).state is state


def test_unknown_branches_are_refused(store: Store) -> None:
    with pytest.raises(UnknownNameError) as caught:
        store.replace_changes("mian", [])
    assert caught.value.near == ("main",)


def test_bisections_come_back_newest_first(store: Store) -> None:
    record = Bisection(
        series=KEY, good=sha(1), bad=sha(9), first=sha(5), last=sha(5), confidence=0.97, ratio=1.2, low=1.1,
        high=1.3, verified=True, runs=9, skipped=(sha(4),), started_at=START, finished_at=START,
    )  # fmt: skip
    later = replace(record, finished_at=START + timedelta(1))
    store.save_bisection(later)
    store.save_bisection(record)
    assert store.bisections() == [later, record]


# -- the database itself ---------------------------------------------------------------------------------


def test_reopening_finds_everything(store: Store, url: str) -> None:
    store.deliver(delivery(measured(1, 1.0)))
    with Store.open(url, create=False) as again:
        assert again.commits("main") == store.commits("main")
        assert list(again.all_series("main")) == list(store.all_series("main"))


def test_projects_share_a_database_without_meeting(store: Store, url: str, ids: list[int]) -> None:
    with Store.open(url, project="second") as second:
        assert (second.branches(), second.series_list()) == ([], [])
        second.record_commits("main", [commit(0)])
        assert len(second.commits("main")) == 1
    assert len(store.commits("main")) == 10


def test_the_migrations_make_what_the_models_say(url: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    from regress.store import models

    with Store.open(url) as store, store._db.engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, models.Base.metadata) == []
        assert context.get_current_revision() == models.SCHEMA
    folder = Path(models.__file__).parent / "migrations"
    assert ScriptDirectory(str(folder)).get_heads() == [models.SCHEMA]


def test_a_newer_database_is_left_alone(store: Store, url: str) -> None:
    with store._db.write() as session:
        session.connection().exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="written by a newer Regress") as caught:
        Store.open(url)
    assert "pip install -U" in caught.value.hint


def test_two_processes_may_create_it_at_once(url: str) -> None:
    opened: list[object] = []

    def open_it() -> None:
        try:
            with Store.open(url) as store:
                opened.append(store.branches())
        except StoreError as error:
            opened.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert opened == [[]] * 4


def test_deliveries_of_two_writers_share_their_names(url: str) -> None:
    def write(offset: int) -> None:
        with Store.open(url) as store:
            for i in range(5):
                store.deliver(
                    delivery(measured(i, 1.0, replace(KEY, benchmark=f"b{i}")), digest=f"{offset} {i}")
                )

    threads = [threading.Thread(target=write, args=(offset,)) for offset in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with Store.open(url) as store:
        assert (len(store.runs()), len(store.series_list())) == (15, 5)


def test_the_lock_names_its_holder(store: Store, url: str) -> None:
    waited: list[str] = []
    with Store.open(url) as other:
        with store.lock("regress run", wait=False):
            with pytest.raises(StoreLockedError) as caught, other.lock("regress ingest", wait=False):
                pass
            assert caught.value.holder.startswith(f"regress run (process {os.getpid()}")
            waiter = threading.Thread(target=_hold, args=(other, waited.append))
            waiter.start()
            while not waited:
                waiter.join(0.01)
        waiter.join()
    assert waited[0].startswith("waiting for regress run (process")
    assert waited[1] == "held"


def _hold(store: Store, tell: Callable[[str], None]) -> None:
    with store.lock("regress analyse", wait=True, on_wait=tell):
        tell("held")


def test_readers_see_whole_deliveries_while_one_is_written(store: Store, url: str) -> None:
    store.deliver(delivery(measured(1, 1.0)))
    with store._db.write() as session, Store.open(url) as reader:
        session.connection().exec_driver_sql("DELETE FROM measurement")
        assert len(reader.measurements_at(sha(1))) == 1
        session.rollback()


# -- SQLite files ----------------------------------------------------------------------------------------


def test_files_that_are_no_database_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("this is a text file, quite a long one, and no database " * 40)
    with pytest.raises(StoreError, match="file is not a database") as caught:
        Store.open(f"sqlite:///{tmp_path}/x.db")
    assert "move it away" in caught.value.hint


def test_a_cut_off_database_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/x.db"
    with Store.open(url) as store:
        store.record_commits("main", [commit(i) for i in range(10)])
    path = tmp_path / "x.db"
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(StoreError, match=r"malformed|not a database|disk I/O"):
        Store.open(url)


def test_somebody_elses_database_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.execute("CREATE TABLE cookies (id)")
    connection.close()
    before = (tmp_path / "x.db").read_bytes()
    with pytest.raises(StoreError, match="holds other tables"):
        Store.open(f"sqlite:///{tmp_path}/x.db")
    assert (tmp_path / "x.db").read_bytes()[100:] == before[100:]  # WAL mode is noted in the first 100 bytes


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "not a database URL"),
        ("mysql://host/name", "unsupported database 'mysql'"),
        ("sqlite://", "names no file"),
        ("sqlite:////", "is a folder"),
        ("sqlite:////proc/nowhere/x.db", "cannot create its folder"),
    ],
)
def test_wrong_urls_are_named(url: str, message: str) -> None:
    with pytest.raises(StoreError, match=message):
        Store.open(url)


def test_a_missing_file_is_not_created_for_readers(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no such file"):
        Store.open(f"sqlite:///{tmp_path}/x.db", create=False)
    assert list(tmp_path.iterdir()) == []


def test_passwords_are_not_shown() -> None:
    with pytest.raises(StoreError) as caught:
        Store.open("postgresql://ann:s3cret@/db?host=/nowhere")
    assert "s3cret" not in str(caught.value)


KILLED = """
import sys
from regress.store import Store, deliveries
from tests.regress.test_store import delivery, measured

merge, count = deliveries._merge, 0

def slow_merge(*arguments):
    global count
    count += 1
    if count == 500:
        arguments[0].flush()
        print("half", flush=True)
        sys.stdin.read()
    return merge(*arguments)

deliveries._merge = slow_merge
with Store.open(sys.argv[1]) as store:
    with store.lock("regress run", wait=False):
        store.deliver(delivery(measured(0, 1.0)))
        store.deliver(delivery(*(measured(i, 2.0) for i in range(1000)), digest="big"))
"""


def test_kill_in_the_middle_of_a_delivery_leaves_the_ones_before(url: str, root: Path) -> None:
    """SIGKILL when half of a delivery has reached the database: it is not there, what was acknowledged is."""
    command = [sys.executable, "-c", KILLED, url]
    with subprocess.Popen(
        command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "half\n"
        process.kill()
    with Store.open(url) as store:
        assert [run.new for run in store.runs()] == [1]
        assert [m.value for _, m in store.measurements_at(sha(0))] == [1.0]
        assert store.measurements_at(sha(1)) == []
        with store.lock("the next one", wait=False):  # a dead process holds nothing
            assert store.deliver(delivery(measured(1, 1.0))).new == 1

"""The database itself: creation, schema, locks, damage, and death in the middle of a delivery."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import QueuePool

from regress.errors import StoreError, StoreLockedError
from regress.holding import is_here, named
from regress.store import Store, locking
from regress.store.database import CACHE_KIB, CONNECTIONS, _sqlite_settings
from tests.regress.fixtures.stores import (
    KEY,
    commit,
    delivery,
    measured,
    sha,
)


def test_reopening_finds_everything(store: Store, url: str) -> None:
    store.deliver(delivery(measured(1, 1.0)))
    with Store.open(url, create=False) as again:
        assert again.commits("main") == store.commits("main")
        assert list(again.all_series("main")) == list(store.all_series("main"))


def test_projects_share_a_database_without_meeting(store: Store, url: str) -> None:
    store.deliver(delivery(measured(1, 1.0)))
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


def test_many_connections_may_turn_a_new_file_to_write_ahead_at_once(tmp_path: Path) -> None:
    """SQLite itself fails some of them: without care, this failed in one of ten files."""
    modes: list[str] = []

    def connect(path: Path, together: threading.Barrier) -> None:
        with closing(sqlite3.connect(path)) as connection:
            together.wait()
            _sqlite_settings(connection, None)  # type: ignore[arg-type] # a driver's connection, no pool
            modes.extend(connection.execute("PRAGMA journal_mode").fetchone())

    for number in range(60):
        path, together = tmp_path / f"{number}.db", threading.Barrier(4)
        threads = [threading.Thread(target=connect, args=(path, together)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert modes == ["wal"] * 240


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
            assert is_here(other.holder())
            waiter = threading.Thread(target=_hold, args=(other, waited.append))
            waiter.start()
            while not waited:
                waiter.join(0.01)
        waiter.join()
    assert waited[0].startswith("waiting for regress run (process")
    assert (waited[1], store.holder()) == ("held", "")


def test_a_host_is_not_taken_for_one_whose_name_begins_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    pods = [f"runner-of-project-1234-concurrent-{number}" for number in (1, 10)]
    for here, there in (("build1", "build10"), ("build10", "build1"), pods):
        monkeypatch.setattr("socket.gethostname", lambda name=there: name)
        held = named("regress run")
        assert is_here(held)
        monkeypatch.setattr("socket.gethostname", lambda name=here: name)
        assert not is_here(held)


@pytest.mark.postgres
@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_lock_of_another_database_of_the_server_is_not_ours(store: Store, postgres_uri: str) -> None:
    import psycopg

    with psycopg.connect(postgres_uri, autocommit=True) as elsewhere:
        elsewhere.execute("SELECT pg_advisory_lock(%s)", [locking._key(store._db)])
        assert store.holder() == ""
        with store.lock("regress run", wait=False):
            assert store.holder().startswith("regress run")


def _hold(store: Store, tell: Callable[[str], None]) -> None:
    with store.lock("regress analyse", wait=True, on_wait=tell):
        tell("held")


def test_readers_see_whole_deliveries_while_one_is_written(store: Store, url: str) -> None:
    store.deliver(delivery(measured(1, 1.0)))
    with store._db.write(quiet=True) as session, Store.open(url) as reader:
        session.connection().exec_driver_sql("DELETE FROM measurement")
        assert len(reader.measurements_at(sha(1))) == 1
        session.rollback()


def test_after_many_readers_at_once_few_connections_hold_memory(store: Store) -> None:
    engine = store._db.engine
    with ExitStack() as at_once:
        for _ in range(20):
            at_once.enter_context(engine.connect())
    assert isinstance(engine.pool, QueuePool)
    assert engine.pool.checkedin() == CONNECTIONS[engine.dialect.name]
    assert CONNECTIONS["sqlite"] * CACHE_KIB <= 320 * 1024


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
from regress.store import Store, measured as rows_of
from tests.regress.fixtures.stores import delivery, measured

insert = rows_of.insert

def insert_half(session, rows):
    insert(session, rows[: max(1, len(rows) // 2)])
    if len(rows) > 1:
        print("half", flush=True)
        sys.stdin.read()

rows_of.insert = insert_half
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


def test_the_migrations_go_down_again(url: str) -> None:
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import inspect

    from regress.store import models

    with Store.open(url) as store, store._db.write(quiet=True) as session:
        config = Config()
        config.set_main_option("script_location", str(Path(models.__file__).parent / "migrations"))
        config.attributes["connection"] = session.connection()
        command.downgrade(config, "base")
        assert inspect(session.connection()).get_table_names() == ["alembic_version"]

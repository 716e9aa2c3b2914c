"""The database looked after: checked, backed up, migrated and copied, on every database."""

from __future__ import annotations

import json
import sqlite3
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from regress.cli import main
from regress.domain import Bisection, BisectionPlan, BisectionStep, Decision, State
from regress.errors import StoreError
from regress.store import Store, upkeep
from regress.store.models import SCHEMA
from tests.regress.fixtures.repos import GitRepo
from tests.regress.fixtures.stores import KEY, bisected, commit, delivery, failure, measured, sha


@pytest.fixture
def full(store: Store) -> Store:
    """A store with something in every table but those of events."""
    for i in range(10):
        key = replace(KEY, benchmark="unité", parameters=(("n", "1"), ("s", "'é\u2028'")))
        store.deliver(delivery(measured(i, i - 0.0), measured(i, -1e-300, key), digest=f"d{i}"))
    store.deliver(delivery(failures=(failure(3, benchmark="other"),), digest="failed"))
    at = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
    told = Bisection(KEY, sha(0), sha(9), sha(4), sha(4), 0.99, 1.1, 1.0, 1.2, True, 9, (), at, at)
    bisected(store, told)
    plan = store.begun_bisections.begin(BisectionPlan(KEY, sha(0), sha(9), 0.95, 60, at))
    store.begun_bisections.add(plan, BisectionStep(sha(4), 1.25, 0.5))
    store.begun_bisections.add(plan, BisectionStep(sha(5), None, 0.5))
    return store


@pytest.fixture
def other(request: pytest.FixtureRequest, url: str, tmp_path: Path) -> str:
    """An empty database of the other kind."""
    if not url.startswith("sqlite"):
        return f"sqlite:///{tmp_path}/other.db"
    import os

    import psycopg

    uri: str = request.getfixturevalue("postgres_uri")
    name = "o" + os.urandom(6).hex()
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return uri.replace("/postgres?", f"/{name}?")


def everything(store: Store) -> list[object]:
    """All that a store tells."""
    facts: list[object] = [store.commits("main"), list(store.all_series("main")), store.runs()]
    return [*facts, store.failures(), store.bisections(), store.machines(), store.events()]


def execute(store: Store, statement: str) -> None:
    """Do damage, as no verb would."""
    with store._db.engine.connect() as connection:
        raw = connection.connection
        cursor = raw.cursor()
        if store._db.file:
            cursor.execute("PRAGMA foreign_keys = OFF")
        cursor.execute(statement)
        raw.commit()


def test_a_sound_database_has_no_faults(full: Store, url: str) -> None:
    health = upkeep.check(url)
    assert health.sound
    assert health.schema == SCHEMA
    assert (health.rows["measurement"], health.rows["run"]) == (20, 11)


DAMAGES = [
    ("DELETE FROM measurement WHERE series_id = 1", "measurement", "10 measurements are there, 20"),
    ("UPDATE series SET points = points + 1", "series", "not what the measurements say"),
    ("DELETE FROM centres WHERE commit_id < 3", "centres", "other series than were measured"),
    ("UPDATE parameters SET pairs = '{' WHERE id = 1", "parameters", "pairs cannot be read"),
    ("UPDATE machine SET facts = '[1]'", "machine", "facts cannot be read"),
    ("UPDATE metric SET direction = 'sideways'", "metric", "direction cannot be read"),
    ("UPDATE branch_commit SET position = 3 WHERE position = 4", "branch_commit", "several commits"),
]


@pytest.mark.parametrize(("statement", "where", "message"), DAMAGES)
def test_damage_is_found_and_said_with_what_to_do(
    full: Store, url: str, statement: str, where: str, message: str
) -> None:
    execute(full, statement)
    fault, *_ = upkeep.check(url).faults
    assert fault.where == where
    assert message in fault.message
    assert fault.hint


def test_every_table_of_records_is_read(full: Store, url: str) -> None:
    """A record is JSON: a column of that name that the check leaves out would hide its damage."""
    from regress.store.checking import READABLE
    from regress.store.models import Base

    records = {(table.name, "record") for table in Base.metadata.sorted_tables if "record" in table.c}
    assert records <= set(READABLE)
    execute(full, "INSERT INTO examination VALUES (1, 0, 'x', '{', NULL)")
    execute(full, "UPDATE bisection SET record = '['")
    assert {(fault.where, fault.message) for fault in upkeep.check(url).faults} == {
        ("examination", "record cannot be read"),
        ("bisection", "record cannot be read"),
    }


def test_packed_samples_that_cannot_be_read_are_counted(full: Store, url: str) -> None:
    blob = "x'0102'" if url.startswith("sqlite") else "'\\x0102'::bytea"
    execute(full, f"UPDATE measurement SET samples = {blob} WHERE commit_id < 4")
    (fault,) = upkeep.check(url).faults
    assert (fault.where, fault.message) == ("measurement", "samples cannot be read")
    assert fault.rows == 6


def test_rows_that_refer_to_nothing_are_found(tmp_path: Path) -> None:
    """SQLite only: PostgreSQL lets nobody take a row that another one needs."""
    url = f"sqlite:///{tmp_path}/x.db"
    with Store.open(url) as store:
        store.deliver(delivery(measured(1, 1.0)))
        execute(store, "DELETE FROM series")
    faults = upkeep.check(url).faults
    assert ("measurement", "series_id names no row of 'series'") in [(f.where, f.message) for f in faults]


def test_a_damaged_page_is_found(tmp_path: Path) -> None:
    url, path = f"sqlite:///{tmp_path}/x.db", tmp_path / "x.db"
    with Store.open(url) as store:
        store.deliver(delivery(*(measured(i, 1.0) for i in range(3000))))
    raw = bytearray(path.read_bytes())
    with sqlite3.connect(path) as connection:
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'sqlite_autoindex_commit_1'"
        ).fetchone()
    connection.close()
    raw[(page - 1) * 4096 + 100 : page * 4096] = bytes(3996)
    path.write_bytes(raw)
    assert "file" in {fault.where for fault in upkeep.check(url).faults}


def test_a_copy_tells_the_same_and_goes_on(full: Store, url: str, other: str, tmp_path: Path) -> None:
    steps: list[str] = []
    copied = upkeep.copy(url, other, lambda step, _done, _total: steps.append(step))
    assert copied.tables["measurement"].rows == 20
    assert "compare measurement" in steps
    back = f"sqlite:///{tmp_path}/back.db"
    assert upkeep.copy(other, back).tables == copied.tables
    for place in (other, back):
        assert upkeep.check(place).sound
        with Store.open(place) as store:
            assert everything(store) == everything(full)
            receipt = store.deliver(delivery(measured(3, 1.0, replace(KEY, benchmark="new")), digest="new"))
            assert (receipt.new, len(store.runs())) == (1, 12)


def test_a_copy_into_a_database_with_rows_is_refused(full: Store, url: str, other: str) -> None:
    upkeep.copy(url, other)
    with pytest.raises(StoreError, match=r"is not empty: table '\w+' has rows") as caught:
        upkeep.copy(url, other)
    assert "empty" in caught.value.hint


def test_a_copy_that_is_interrupted_leaves_nothing(full: Store, url: str, other: str) -> None:
    def stop(step: str, _done: int, _total: int) -> None:
        if step == "compare measurement":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        upkeep.copy(url, other, stop)
    with Store.open(other) as store:
        assert (store.branches(), store.runs()) == ([], [])
    assert upkeep.copy(url, other).tables["run"].rows == 11


def test_a_copy_that_differs_is_refused_and_undone(full: Store, url: str, other: str) -> None:
    """Someone's trigger changes what is written: what would be a broken driver or disk elsewhere."""
    with Store.open(other) as target:
        if target._db.file:
            execute(target, "CREATE TRIGGER t AFTER INSERT ON run BEGIN DELETE FROM run WHERE id = 5; END")
        else:
            execute(
                target,
                "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS"
                " 'BEGIN IF NEW.id = 5 THEN RETURN NULL; END IF; RETURN NEW; END';"
                "CREATE TRIGGER t BEFORE INSERT ON run FOR EACH ROW EXECUTE FUNCTION f()",
            )
    with pytest.raises(StoreError, match="the copy of table 'run' has 10 rows for 11"):
        upkeep.copy(url, other)
    with Store.open(other) as store:
        assert store.branches() == []


def test_a_backup_holds_everything_while_others_write(full: Store, url: str, tmp_path: Path) -> None:
    before = everything(full)
    stop = threading.Event()

    def write() -> None:
        with Store.open(url) as writer:
            for i in range(10, 500):
                if stop.is_set():
                    return
                writer.deliver(delivery(measured(i, 1.0), digest=f"meanwhile {i}"))

    writing = threading.Thread(target=write)
    writing.start()
    try:
        made = upkeep.backup(url, tmp_path / "backups" / "b.db")
    finally:
        stop.set()
        writing.join()
    assert [path.name for path in made.parent.iterdir()] == ["b.db"]
    assert upkeep.check(f"sqlite:///{made}").sound
    with Store.open(f"sqlite:///{made}") as restored:
        assert everything(restored)[3:] == before[3:]
        assert {run.digest for run in restored.runs()} >= {f"d{i}" for i in range(10)}


def test_a_backup_never_replaces_a_file(full: Store, url: str, tmp_path: Path) -> None:
    (tmp_path / "b.db").write_text("precious")
    with pytest.raises(StoreError, match="exists already"):
        upkeep.backup(url, tmp_path / "b.db")
    assert (tmp_path / "b.db").read_text() == "precious"


def test_a_damaged_database_is_not_backed_up_as_if_it_were_sound(tmp_path: Path) -> None:
    url, path = f"sqlite:///{tmp_path}/x.db", tmp_path / "x.db"
    with Store.open(url) as store:
        store.deliver(delivery(*(measured(i, 1.0) for i in range(3000))))
    path.write_bytes(path.read_bytes()[:-8192])
    with pytest.raises(StoreError):
        upkeep.backup(url, tmp_path / "b.db")
    assert [each.name for each in tmp_path.glob("b.db*")] == []


def test_migrating_the_newest_schema_does_nothing(full: Store, url: str, tmp_path: Path) -> None:
    assert upkeep.migrate(url, tmp_path / "b.db") == upkeep.Migrated(SCHEMA, SCHEMA, None)
    assert not (tmp_path / "b.db").exists()


def downgraded(store: Store) -> None:
    """Take a database back to the first schema, by the migrations themselves."""
    from alembic import command
    from alembic.config import Config

    from regress.store import database, models

    with database._rebuilding(store._db.engine, store.url) as session:
        config = Config()
        config.set_main_option("script_location", str(Path(models.__file__).parent / "migrations"))
        config.attributes["connection"] = session.connection()
        command.downgrade(config, "0001")


def test_an_older_database_is_backed_up_and_brought_up(full: Store, url: str, tmp_path: Path) -> None:
    before, to = everything(full), tmp_path / "before.db"
    downgraded(full)
    (fault,) = upkeep.check(url).faults
    assert "is of schema 0001" in fault.message
    if url.startswith("sqlite"):
        assert upkeep.migrate(url, to) == upkeep.Migrated("0001", SCHEMA, to)
        assert "is of schema 0001" in upkeep.check(f"sqlite:///{to}").faults[0].message
    else:
        for refused in (upkeep.migrate, upkeep.backup):
            with pytest.raises(StoreError, match="of schema 0001") as caught:
                refused(url, to)
            assert "pg_dump" in caught.value.hint
        assert upkeep.migrate(url, None) == upkeep.Migrated("0001", SCHEMA, None)
    assert upkeep.check(url).sound
    with Store.open(url) as again:
        assert everything(again) == before


def test_opening_an_older_database_keeps_it_as_it_was(
    full: Store, url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = everything(full)
    downgraded(full)
    with Store.open(url) as again:
        assert everything(again) == before
    (said,) = [record.getMessage() for record in caplog.records]
    assert f"is brought from schema 0001 to {SCHEMA}" in said
    copies = list(tmp_path.rglob("*.schema-0001-*"))
    if url.startswith("sqlite"):
        (copy,) = copies
        assert said.endswith(f"; as it was: {copy}")
        assert "is of schema 0001" in upkeep.check(f"sqlite:///{copy}").faults[0].message
    else:
        assert copies == []
    with Store.open(url):  # the newest schema is left alone
        assert len(list(tmp_path.rglob("*.schema-*"))) == len(copies)


def test_a_database_that_cannot_be_kept_is_not_migrated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite only: PostgreSQL has its own tools for copies."""
    import os

    url = f"sqlite:///{tmp_path}/x.db"
    with Store.open(url) as store:
        downgraded(store)

    def full_disk(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(StoreError, match="No space left") as caught:
        Store.open(url)
    assert "Nothing else was changed" in caught.value.hint
    assert "is of schema 0001" in upkeep.check(url).faults[0].message


def test_databases_that_are_missing_empty_or_newer_are_named(full: Store, url: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no such file"):
        upkeep.check(f"sqlite:///{tmp_path}/missing.db")
    (tmp_path / "empty.db").touch()
    assert "empty" in upkeep.check(f"sqlite:///{tmp_path}/empty.db").faults[0].message
    with pytest.raises(StoreError, match="is empty"):
        upkeep.migrate(f"sqlite:///{tmp_path}/empty.db", None)
    execute(full, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="newer Regress"):
        upkeep.check(url)


def test_events_keep_their_triage_in_a_copy(store: Store, url: str, other: str) -> None:
    from regress.config import Config
    from regress.service.analyse import analyse

    store.record_commits("main", [commit(i) for i in range(80)], default=True)
    values = (1.0 + 0.001 * (i % 3) + (0.5 if i >= 40 else 0.0) for i in range(80))
    store.deliver(delivery(*(measured(i, value) for i, value in enumerate(values))))
    analyse(store, Config(root=Path(".")), "main")
    (event,) = store.events()
    store.decide(event.id, Decision(state=State.EXPECTED))
    upkeep.copy(url, other)
    with Store.open(other) as copied:
        assert copied.events() == store.events()
        assert copied.event(event.id).state is State.EXPECTED


# -- the command line ------------------------------------------------------------------------------------


def said(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return int(ended.value.code or 0), captured.out, captured.err


def test_the_commands_say_what_they_did(
    full: Store, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repo = GitRepo(tmp_path / "repo")
    repo.commit("first")
    here = ("--repo", repo.path, "--db", url)
    code, out, _ = said(capsys, "db", "check", *here)
    assert (code, out) == (0, f"sound: 20 measurements of 2 series, schema {SCHEMA}\n")
    code, out, _ = said(capsys, "db", "backup", tmp_path / "b.db", "--json", *here)
    assert json.loads(out)["bytes"] == (tmp_path / "b.db").stat().st_size
    code, out, _ = said(capsys, "db", "migrate", *here)
    assert (code, out) == (0, f"schema {SCHEMA} is the newest: nothing to do\n")
    code, out, _ = said(capsys, "db", "copy", tmp_path / "c.db", "--json", *here)
    assert json.loads(out)["tables"]["measurement"]["rows"] == 20
    code, _, err = said(capsys, "db", "copy", tmp_path / "c.db", *here)
    assert code == 2
    assert "is not empty" in err
    execute(full, "DELETE FROM measurement WHERE series_id = 1")
    code, out, _ = said(capsys, "db", "check", *here)
    assert code == 1
    assert "10 measurements are there, 20 were delivered (10 rows)" in out
    code, out, _ = said(capsys, "db", "check", "--json", *here)
    assert (code, json.loads(out)["sound"]) == (1, False)

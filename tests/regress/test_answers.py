"""Answers are told once, and never after the store has changed; on every database."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from regress.config import Config
from regress.domain import Deed, Examination
from regress.errors import UnknownNameError
from regress.service.browse import event_page, overview, runs_page
from regress.store import Store
from regress.store import answers as remembered
from regress.store.answers import KEPT, Answers, ages_noted
from tests.regress.fixtures.stores import commit, delivery, measured


def test_an_answer_is_told_once_to_all_who_wait() -> None:
    answers, told, ready = Answers(lambda: 1), [], threading.Barrier(8)

    def look() -> str:
        told.append(threading.current_thread().name)
        return "found"

    def ask() -> None:
        ready.wait()
        assert answers.told("question", None, look) == "found"

    readers = [threading.Thread(target=ask) for _ in range(8)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert len(told) == 1


def test_another_version_other_settings_and_large_answers_are_looked_for_anew() -> None:
    versions, told = iter((1, 1, 2, 2, 2, 2, 2)), iter(range(9))
    one, equal = Config(root=Path("nowhere")), Config(root=Path("nowhere"))
    answers = Answers(lambda: next(versions))

    def ask(chosen: object = one, *, keep: bool = True) -> int:
        return answers.told("question", chosen, lambda: next(told), lambda _: keep)

    assert [ask(), ask(), ask(), ask()] == [0, 0, 1, 1]
    assert ask(equal, keep=False) == 2, "equal, but another object"
    assert [ask(equal), ask(equal)] == [3, 3]


def test_errors_leave_nothing_and_the_oldest_question_goes() -> None:
    answers = Answers(lambda: 1)
    with pytest.raises(ZeroDivisionError):
        answers.told(0, None, lambda: 1 // 0)
    assert answers.told(0, None, lambda: "now it works") == "now it works"
    for question in range(1, 2 * KEPT):
        answers.told(question, None, str)
    assert len(answers) == KEPT
    assert answers.told(2 * KEPT - 1, None, lambda: "asked again") == ""
    assert answers.told(0, None, lambda: "looked for again") == "looked for again"


def test_pages_are_those_of_the_newest_delivery_whoever_sent_it(store: Store, url: str) -> None:
    store.record_commits("main", [commit(i) for i in range(4)], default=True)
    config = Config(root=Path("nowhere"))
    with Store.open(url) as elsewhere:
        for i, writer in enumerate((store, elsewhere, store)):
            assert [overview(store, None, config).series, runs_page(store).total] == [min(i, 1), i]
            before = store.answers.version()
            writer.deliver(delivery(measured(i, 1.0 + i), digest=str(i)))
            assert store.answers.version() != before
        assert [overview(store, None, config).commit, runs_page(store).total] == [commit(2), 3]
    with pytest.raises(UnknownNameError):
        event_page(store, 7)


def test_what_an_analysis_keeps_on_its_way_is_told_with_what_it_finds(store: Store, url: str) -> None:
    store.deliver(delivery(measured(1, 1.0)))
    before = runs_page(store)
    with Store.open(url) as elsewhere:
        elsewhere.save_examinations("settings", [Examination(1, 1, (), None)])
        assert runs_page(store) is before
        elsewhere.replace_changes("main", [])
    assert runs_page(store) is not before


def test_a_log_in_is_no_change_of_what_pages_tell(store: Store) -> None:
    before = runs_page(store)
    store.record_deed(Deed("ann", "password", "log in"))
    assert [entry.deed.who for entry in store.audit()] == ["ann"]
    assert runs_page(store) is before
    own, found = store._db.own_version(), store._db.version()
    store.record_commits("main", [commit(0)])
    assert store._db.own_version() == store._db.version() > max(own, found)
    store._db._own.reached(1)
    assert store._db.own_version() == store._db.version(), "a writer that comes late takes nothing back"


def wait_for_thread(answers: Answers) -> None:
    """Until nothing is out of date that it looks for."""
    ends = time.monotonic() + 60
    while any(answers._outdated()):
        assert time.monotonic() < ends
        time.sleep(0.01)


def test_where_answers_may_be_behind_nobody_waits_for_the_changes_of_others(store: Store, url: str) -> None:
    store.answers.behind = 3600.0
    assert runs_page(store).total == 0
    with Store.open(url) as elsewhere:
        elsewhere.deliver(delivery(measured(1, 1.0)))
    assert runs_page(store).total == 0, "told once more, while the newest is looked for beside"
    wait_for_thread(store.answers)
    assert runs_page(store).total == 1
    store.deliver(delivery(measured(2, 1.0)))
    assert runs_page(store).total == 2, "what this process did is never told late"


def test_only_what_was_asked_for_lately_is_told_late_and_not_for_ever(
    store: Store, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembered, "GLANCE", 0.0)
    monkeypatch.setattr("regress.store.renewal.EVERY", 3600.0)  # it looks when it is told to
    store.answers.behind = 3600.0
    assert runs_page(store).total == 0
    with Store.open(url) as elsewhere:
        elsewhere.deliver(delivery(measured(1, 1.0)))
        with ages_noted() as ages:
            assert runs_page(store).total == 0
        assert len(ages) == 1
        assert 0 < ages[0] < 60
        wait_for_thread(store.answers)
        with ages_noted() as ages:
            assert runs_page(store).total == 1, "looked for beside, though nobody asked again"
        assert ages == []
        elsewhere.deliver(delivery(measured(2, 1.0)))
        store.answers.behind = 1e-9
        assert runs_page(store).total == 2, "what was the newest too long ago is told no more"
        elsewhere.deliver(delivery(measured(3, 1.0)))
        store.answers.behind = 3600.0
        monkeypatch.setattr(remembered, "LATELY", 0.0)
        assert runs_page(store).total == 3, "what nobody asked for lately is not kept the newest"


def test_what_was_asked_for_once_is_not_looked_for_beside() -> None:
    version, looked = [1], []
    answers = Answers(lambda: version[0])
    answers.behind = 3600.0
    for question in ("once", "twice", "twice"):
        answers.told(question, None, lambda question=question: looked.append(question))
    version[0] = 2
    wait_for_thread(answers)
    assert looked == ["once", "twice", "twice"]
    assert answers.told("once", None, lambda: "anew") is None, "told once more all the same"
    answers.close()


def test_who_closes_waits_for_one_answer_at_most() -> None:
    version, answers = [1], Answers(lambda: version[0])
    begun, going_on = threading.Event(), threading.Event()
    looked: list[int] = []
    answers.behind = 3600.0

    def look() -> None:
        looked.append(version[0])
        if version[0] == 2:
            begun.set()
            assert going_on.wait(60)

    for question in (0, 1, 0, 1):
        answers.told(question, None, look)
    version[0] = 2
    assert begun.wait(60)
    closing = threading.Thread(target=answers.close)
    closing.start()
    assert answers._renewal._closed.wait(60)
    going_on.set()
    closing.join()
    assert looked == [1, 1, 2]


def test_an_answer_is_of_one_moment_of_the_store(store: Store, url: str) -> None:
    store.deliver(delivery(measured(1, 1.0)))
    with Store.open(url) as elsewhere, store.moment():
        assert (store.count_runs(), store.count_series()) == (1, 1)
        elsewhere.deliver(delivery(measured(2, 1.0)))
        store.deliver(delivery(measured(3, 1.0)))
        with store.moment():
            assert (store.count_runs(), store.series(1).points[-1].commit) == (1, commit(1).sha)
    assert (store.count_runs(), store.series(1).points[-1].commit) == (3, commit(3).sha)


def test_an_error_beside_is_for_who_asks_next() -> None:
    version, answers = [1], Answers(lambda: version[0])
    answers.behind = 3600.0
    assert answers.told(0, None, lambda: "found") == "found"
    version[0] = 2
    assert answers.told(0, None, lambda: 1 // 0) == "found"
    wait_for_thread(answers)
    with pytest.raises(ZeroDivisionError):
        answers.told(0, None, lambda: 1 // 0)
    answers.close()


def test_reading_is_no_change(tmp_path_factory: pytest.TempPathFactory) -> None:
    with Store.open(f"sqlite:///{tmp_path_factory.mktemp('answers') / 'regress.db'}") as store:
        store.deliver(delivery(measured(1, 1.0)))
        first = runs_page(store)
        assert store.count_series() == 1
        assert runs_page(store) is first
        assert runs_page(store, first=1) is not first

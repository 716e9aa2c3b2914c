"""Decisions of the parallel compiler, without processes: what is next, who does it, what is left."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vm.jit.dispatch import STARTS, Dispatcher, Status
from vm.jit.scheduler import AGING, Priority, Scheduler, Task

HIGH, NORMAL, LOW = Priority


def filled(workers: int, *tasks: tuple[str, Priority, float]) -> tuple[Scheduler[str], dict[str, Task[str]]]:
    scheduler: Scheduler[str] = Scheduler(workers)
    made = {work: Task(work, priority, submitted) for work, priority, submitted in tasks}
    for task in made.values():
        scheduler.add(task)
    return scheduler, made


def order(scheduler: Scheduler[str], worker: int = 0) -> list[str]:
    found = []
    while (task := scheduler.take(worker)) is not None:
        found.append(task.work)
    return found


def test_the_urgent_come_first_and_equals_in_order() -> None:
    scheduler, _ = filled(
        1, ("a", LOW, 0), ("b", NORMAL, 0), ("c", HIGH, 0), ("d", HIGH, 0), ("e", NORMAL, 0)
    )
    assert order(scheduler) == ["c", "d", "b", "e", "a"]


def test_who_has_waited_long_goes_before_the_urgent() -> None:
    scheduler, _ = filled(
        1, ("old", LOW, 0), ("young", HIGH, 2 * AGING + 0.1), ("urgent", HIGH, 2 * AGING - 0.1)
    )
    assert order(scheduler) == ["urgent", "old", "young"]


def test_what_takes_long_lets_others_go_first_for_a_while() -> None:
    scheduler: Scheduler[str] = Scheduler(1)
    long = Task("long", HIGH, 0, cost=AGING)
    for task in (long, Task("short", NORMAL, 0, cost=0.1), Task("late", NORMAL, long.rank, cost=0.1)):
        scheduler.add(task)
    assert order(scheduler) == ["short", "long", "late"]


def test_what_is_taken_back_is_not_done() -> None:
    scheduler, tasks = filled(2, ("a", NORMAL, 0), ("b", NORMAL, 0), ("c", NORMAL, 0))
    assert scheduler.remove(tasks["b"])
    assert not scheduler.remove(tasks["b"])
    assert len(scheduler) == 2
    assert order(scheduler) == ["a", "c"]
    assert not scheduler.remove(tasks["a"])


def test_a_priority_can_change_while_a_task_waits() -> None:
    scheduler, tasks = filled(2, ("a", NORMAL, 0), ("b", NORMAL, 0), ("c", LOW, 0))
    assert scheduler.change(tasks["c"], HIGH)
    assert order(scheduler) == ["c", "a", "b"]
    assert not scheduler.change(tasks["c"], LOW)


def test_an_idle_worker_steals_and_a_busy_one_leaves_what_is_not_its_own() -> None:
    scheduler, _ = filled(2, *((str(i), NORMAL, 0) for i in range(6)))
    assert [scheduler.take(0).work for _ in range(3)] == ["0", "2", "4"]  # type: ignore[union-attr]
    assert scheduler.stolen == [0, 0]
    assert order(scheduler, 0) == ["1", "3", "5"]
    assert scheduler.stolen == [3, 0]


def test_what_is_urgent_is_taken_from_any_queue() -> None:
    scheduler, _ = filled(2, ("a", NORMAL, 0), ("b", HIGH, 0), ("c", NORMAL, 0))
    assert order(scheduler, 0)[0] == "a"  # a step below is not worth a theft: worker 1 has it next
    scheduler, _ = filled(2, ("a", LOW, 0), ("b", HIGH, 0))
    assert order(scheduler, 0) == ["b", "a"]


@given(
    st.integers(1, 5),
    st.lists(st.tuples(st.sampled_from(Priority), st.floats(0, 10), st.integers(0, 3), st.integers(0, 4))),
)
def test_every_task_is_done_once_or_taken_back(
    workers: int, steps: list[tuple[Priority, float, int, int]]
) -> None:
    """As a set would have it, whatever is done to the queues in between."""
    scheduler: Scheduler[int] = Scheduler(workers)
    waiting: dict[int, Task[int]] = {}
    for number, (priority, submitted, action, other) in enumerate(steps):
        waiting[number] = Task(number, priority, submitted)
        scheduler.add(waiting[number])
        if action == 1:
            assert scheduler.remove(waiting.pop(min(waiting)))
        elif action == 2:
            assert scheduler.change(waiting[max(waiting)], HIGH)
        elif action == 3:
            task = scheduler.take(other % workers)
            assert task is not None
            del waiting[task.work]
        assert len(scheduler) == len(waiting)
    assert {task.work for task in scheduler.drain()} == set(waiting)
    assert scheduler.take(0) is None


class Hands:
    """Notes what it is told, and does nothing."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    def start(self, worker: int) -> None:
        self.told.append(("start", worker))

    def send(self, worker: int, work: str) -> None:
        self.told.append(("send", worker, work))

    def give_up(self, work: str, why: str) -> None:
        self.told.append(("give up", work, why))

    def news(self) -> list[tuple[object, ...]]:
        """What was told since this was asked last."""
        told, self.told = self.told, []
        return told


def dispatcher(workers: int) -> tuple[Dispatcher[str], Hands]:
    hands = Hands()
    return Dispatcher(workers, hands, lambda: 0.0), hands


def test_workers_start_when_there_is_work_and_no_more_than_that() -> None:
    d, hands = dispatcher(3)
    d.feed()
    assert hands.news() == []
    d.submit("a", NORMAL)
    d.feed()
    d.feed()
    assert hands.news() == [("start", 0)]
    d.submit("b", NORMAL)
    d.feed()
    assert hands.news() == [("start", 1)]
    d.ready(0)
    d.feed()
    assert hands.news() == [("send", 0, "a")]
    d.submit("c", HIGH)
    d.answered(0)
    d.feed()
    assert hands.news() == [("send", 0, "c")]


def test_a_task_that_ends_its_worker_is_tried_once_more() -> None:
    d, hands = dispatcher(1)
    d.submit("bad", HIGH)
    d.submit("good", LOW)
    for _ in range(2):
        d.feed()
        d.ready(0)
        d.feed()
        d.lost(0, "it fell")
    assert hands.news() == [
        *[("start", 0), ("send", 0, "bad")] * 2,
        ("give up", "bad", "it fell"),
    ]
    d.feed()
    d.ready(0)
    d.feed()
    assert hands.news() == [("start", 0), ("send", 0, "good")]
    assert (d.retried, d.workers[0].crashes) == (1, 2)


def test_where_no_more_workers_can_be_started_the_others_go_on() -> None:
    d, hands = dispatcher(2)
    d.submit("a", NORMAL)
    d.feed()
    d.ready(0)
    d.submit("b", NORMAL)
    d.submit("c", NORMAL)
    for _ in range(STARTS):
        d.feed()
        d.lost(1, "no memory")
    d.feed()
    assert [told for told in hands.news() if told[0] != "start"] == [("send", 0, "a")]
    for _ in "ab":
        d.answered(0)
        d.feed()
    assert sorted(hands.news()) == [("send", 0, "b"), ("send", 0, "c")]


def test_workers_that_cannot_start_are_not_started_for_ever() -> None:
    d, hands = dispatcher(1)
    d.submit("a", NORMAL)
    for _ in range(STARTS):
        d.feed()
        d.lost(0, "no memory")
    d.feed()
    d.feed()
    assert [told[0] for told in hands.news()] == ["start"] * STARTS + ["give up"]
    assert d.workers[0].status is Status.OFF
    d.submit("b", NORMAL)
    d.feed()
    d.ready(0)
    d.feed()
    assert hands.news() == [("start", 0), ("send", 0, "b")]  # it may work by now

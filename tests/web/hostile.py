"""A store in which every text from a repository is an attack."""

from __future__ import annotations

import random
from dataclasses import replace

from regress.domain import (
    BisectionPlan,
    ChangePoint,
    Deed,
    Environment,
    Failure,
    FailureKind,
    Machine,
    Posterior,
    SeriesChange,
)
from regress.store import Store
from tests.web import history as made

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'{{7*7}}&"


def fill(store: Store) -> None:
    """Two commits, two series, one of them with a change, two failures; evil all over."""
    commits = [replace(made.commit(i, 2, EVIL), author=EVIL) for i in range(2)]
    store.record_commits(EVIL, commits, default=True)
    series = replace(
        made.key(EVIL), parameters=((EVIL, EVIL),), machine=EVIL, environment=EVIL, branch=EVIL, version=EVIL
    )
    evil_metric = replace(series, metric=replace(made.TIME, name=EVIL, unit=EVIL))
    for at in commits:
        failure = Failure(FailureKind.BENCHMARK, at.sha, EVIL, EVIL, EVIL, benchmark=EVIL)
        build = Failure(FailureKind.BUILD, at.sha, EVIL, EVIL, EVIL)
        taken = [
            replace(made.measure(s, at, 1.0 + at.position, random.Random(1)), series=s)
            for s in (series, evil_metric)
        ]
        delivery = replace(made.delivery(at, taken), machine=Machine(EVIL), environment=Environment(EVIL))
        store.deliver(delivery)
        store.deliver(replace(delivery, digest="failed" + at.sha, measurements=(), failures=(failure, build)))
    store.record_deed(Deed(EVIL, EVIL, EVIL, EVIL, EVIL, EVIL))
    ids = {row.key: row.id for row in store.series_list(EVIL)}
    plan = BisectionPlan(series, commits[0].sha, commits[1].sha, 0.95, 9, commits[1].committed_at)
    number = store.searches.ask(plan, EVIL, 3.0)
    store.searches.tell(number, Posterior(((commits[1].sha, 0.9),), 0.1))
    store.searches.drop(number, EVIL)
    change = ChangePoint(1, 1.0, 2.0, 1.9, 2.1, 0.001)
    store.replace_changes(EVIL, [SeriesChange(ids[series], series, commits[0].sha, commits[1].sha, change)])

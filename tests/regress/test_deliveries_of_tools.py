"""The same delivery twice, overlapping ones, late ones: one outcome for every adapter, in every database."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from regress.domain import Series
from regress.errors import IngestError
from regress.ingest import ADAPTERS, Context, read
from regress.service.ingest import ingest, on_branch
from regress.store import Store
from tests.regress.test_ingest_adapters import FILES, TOLD, every_file, tool_of

Values = dict[tuple[str, str, str], tuple[float, ...]]


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store for all: each file goes to branches of its own."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('deliveries')}/x.db"
    else:
        url = request.getfixturevalue("postgres_uri")
    with Store.open(url, project="deliveries") as opened:
        yield opened


def values(store: Store, branch: str) -> Values:
    """Everything that a branch shows."""

    def named(series: Series) -> tuple[str, str, str]:
        return series.key.title, series.key.metric.name, series.key.environment

    return {named(one): tuple(point.value for point in one.points) for one in store.all_series(branch)}


@every_file
def test_the_same_delivery_twice_changes_nothing(shared: Store, path: Path) -> None:
    branch = f"twice {path}"
    first = ingest(shared, [path], branch=branch, context=TOLD)
    known, runs = values(shared, branch), len(shared.runs())
    again = ingest(shared, [path], branch=branch, context=TOLD)
    assert first.new > 0
    assert (again.new, again.updated) == (0, 0)
    assert again.duplicates == len(again.receipts)
    assert (values(shared, branch), len(shared.runs())) == (known, runs)


@every_file
def test_an_overlapping_delivery_adds_only_what_is_new(shared: Store, path: Path) -> None:
    """What is delivered again beside something else, in another file, is no new measurement."""
    branch = f"overlap {path}"
    (delivery,) = (on_branch(one, branch, force=True) for one in read(path, tool_of(path), TOLD))
    half = len(delivery.measurements) // 2
    one, rest = delivery.measurements[: half + 1], delivery.measurements[half:]

    first = shared.deliver(replace(delivery, digest=f"{branch} 1", measurements=one, failures=()))
    second = shared.deliver(replace(delivery, digest=f"{branch} 2", measurements=rest))
    keys = {(m.series, m.commit) for m in delivery.measurements}
    assert first.new + second.new == len(keys)
    assert second.updated + second.unchanged >= 1
    third = shared.deliver(replace(delivery, digest=f"{branch} 3"))
    assert third.new == 0


@pytest.mark.parametrize("tool", sorted(ADAPTERS))
def test_two_commits_in_either_order_are_one_history(shared: Store, tool: str, tmp_path: Path) -> None:
    """Files that name no commit, brought for two: the one that comes late changes nothing of the other."""
    path = next(file for file in FILES if tool_of(file) == tool)
    seen: list[Values] = []
    for order in (("a", "b"), ("b", "a")):
        branch = f"order {tool} {order[0]}"
        for letter in order:
            ingest(shared, [path], branch=branch, context=Context(letter * 40, "here"), tool=tool)
        seen.append(values(shared, branch))
    assert seen[0] == seen[1]


@every_file
def test_what_is_cut_off_leaves_nothing_behind(shared: Store, path: Path, tmp_path: Path) -> None:
    """A delivery is all or nothing: a refused file stores nothing, whatever stood before the damage."""

    cut = tmp_path / path.name
    shutil.copytree(path.parent, tmp_path, dirs_exist_ok=True)
    whole = path.read_bytes()
    cut.write_bytes(whole[: len(whole) * 2 // 3] + b"\xff\xfe\xff")
    branch = f"cut {path}"
    runs = len(shared.runs())
    with pytest.raises(IngestError) as caught:
        ingest(shared, [cut], branch=branch, context=TOLD, tool=tool_of(path))
    assert cut.name in str(caught.value)
    assert len(shared.runs()) == runs
    assert values(shared, branch) == {}

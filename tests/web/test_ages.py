"""Pages may be behind what others have stored, and say so; never behind what their own reader did."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio.to_thread
import httpx
import pytest
from sqlalchemy import event

from regress.config import AccessConfig, Config
from regress.domain import Decision, State
from regress.service.browse import runs_page
from regress.store import Store, answers
from tests.web import history as made
from tests.web.server import serve
from web.app import create_app

HERE = Path(__file__).parents[2]
"""A repository, if this is a checkout: pages that name its tags look at its files."""

AGAIN = (
    "/",
    "/events",
    "/benchmarks?q=render&view=grid",
    "/commits",
    "/commit/latest",
    "/compare",
    "/compare?a=latest~1&b=latest&group=suite&verdict=slower",
    "/machines",
    "/runs",
    "/search?q=render",
    "/series/1",
)


@pytest.fixture(autouse=True)
def _nobody_looks_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "GLANCE", 0.0)
    monkeypatch.setattr("regress.store.renewal.Renewal.begin", lambda _: None)


def test_a_page_is_behind_others_and_says_so_but_never_behind_who_asks(tmp_path: Path) -> None:
    with Store.open(f"sqlite:///{tmp_path}/regress.db") as elsewhere:
        history = made.build(elsewhere)
        config = Config(root=Path("/nowhere"), access=AccessConfig(local="triager"))
        app = create_app(history.url, config=config, behind=3600.0)
        address = f"/event/{history.regression}"
        with serve(app) as base, httpx.Client(base_url=base) as reader:
            assert "Age" not in reader.get(address).headers
            elsewhere.decide(history.regression, Decision(note="said elsewhere"), "ada")
            late = reader.get(address)
            assert "said elsewhere" not in late.text
            assert int(late.headers["Age"]) >= 1
            token = re.findall(r'name="csrf" value="([^"]+)"', late.text)[0]
            told = {"csrf": token, "state": State.EXPECTED.value, "note": "said here"}
            assert reader.post(f"{address}/triage", data=told).status_code == 303
            here = reader.get(address)
            assert "said elsewhere" in here.text
            assert "said here" in here.text
            assert "Age" not in here.headers


def test_what_is_in_memory_opens_to_nobody_else(tmp_path: Path) -> None:
    config = Config(root=tmp_path, access=AccessConfig(login="password"))
    app = create_app(f"sqlite:///{tmp_path}/regress.db", config=config, behind=3600.0)
    assert runs_page(app.state.store).total == 0
    with serve(app) as base:
        assert httpx.get(f"{base}/runs").headers["location"] == "/login?next=/runs"
        assert httpx.get(f"{base}/audit").status_code == 303


def test_a_page_shown_again_takes_one_thread_and_nothing_of_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "GLANCE", 3600.0)
    taken: list[object] = []
    statements: list[str] = []
    run_sync = anyio.to_thread.run_sync

    async def noted(call: Callable[..., object], *given: object, **how: Any) -> object:
        taken.append(call)
        return await run_sync(call, *given, **how)

    with Store.open(f"sqlite:///{tmp_path}/regress.db") as store:
        history = made.build(store)
    app = create_app(history.url, config=Config(root=HERE), behind=3600.0)
    engine = app.state.store._db.engine
    event.listen(engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    with serve(app) as base, httpx.Client(base_url=base) as reader:
        monkeypatch.setattr(anyio.to_thread, "run_sync", noted)
        for address in (*AGAIN, f"/event/{history.regression}"):
            reader.get(address)
            assert statements, "what a page asks the first time is heard here"
            taken.clear()
            statements.clear()
            again = reader.get(address)
            assert (again.status_code, len(taken), statements) == (200, 1, []), address

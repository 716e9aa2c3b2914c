"""The JSON API: every route answers what its schema says; the OpenAPI document is a golden file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.web import history as made
from tests.web.history import History

GOLDEN = Path(__file__).parent / "golden" / "openapi.json"


def addresses(history: History) -> dict[str, str]:
    """One address for each path of the OpenAPI document."""
    series = history.series[made.SMALL.title]
    return {
        "/api/v1/overview": "/api/v1/overview",
        "/api/v1/benchmarks": "/api/v1/benchmarks",
        "/api/v1/series": "/api/v1/series",
        "/api/v1/series/{series_id}": f"/api/v1/series/{series}",
        "/api/v1/series/{series_id}/points": f"/api/v1/series/{series}/points",
        "/api/v1/commits": "/api/v1/commits",
        "/api/v1/commits/{revision}": f"/api/v1/commits/{history.culprit.sha}",
        "/api/v1/compare": "/api/v1/compare?a=main~20&b=latest",
        "/api/v1/events": "/api/v1/events",
        "/api/v1/events/{event_id}": f"/api/v1/events/{history.regression}",
        "/api/v1/drift": "/api/v1/drift",
        "/api/v1/bisections": "/api/v1/bisections",
        "/api/v1/bisections/{bisection_id}": "/api/v1/bisections/2",
        "/api/v1/search": "/api/v1/search?q=render",
        "/healthz": "/healthz",
    }


def test_openapi_is_the_reviewed_one(client: httpx.Client, golden: Callable[[Path, str], None]) -> None:
    document = client.get("/api/v1/openapi.json").json()
    golden(GOLDEN, json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def test_every_route_answers(client: httpx.Client, history: History) -> None:
    known = addresses(history)
    paths = client.get("/api/v1/openapi.json").json()["paths"]
    assert {path for path, item in paths.items() if "get" in item} == set(known)
    for address in known.values():
        response = client.get(address)
        assert response.status_code == 200, address
        assert response.headers["content-type"] == "application/json"


def test_every_operation_is_typed_and_described(client: httpx.Client) -> None:
    document = client.get("/api/v1/openapi.json").json()
    for path, item in document["paths"].items():
        (operation,) = item.values()
        assert operation["description"], path
        assert operation["tags"], path
        done = operation["responses"].get("201") or operation["responses"]["200"]
        schema = done["content"]["application/json"]["schema"]
        assert "$ref" in schema or "$ref" in schema["items"], path


def test_overview_lists_the_regression(client: httpx.Client, history: History) -> None:
    found = client.get("/api/v1/overview").json()
    (event,) = found["regressions"]
    assert event["id"] == history.regression
    assert event["first_after"] == history.culprit.sha
    assert [change["ratio"] for change in event["changes"]] == pytest.approx([1.15, 1.15])
    assert [row["series"]["key"]["benchmark"] for row in found["stale"]] == ["legacy.time_blit"]
    assert [row["benchmark"] for row in found["failures"]] == ["net.time_fetch"]


def test_bisections_say_how_they_stand(client: httpx.Client, history: History) -> None:
    listed = client.get("/api/v1/bisections").json()
    assert [(one["id"], one["status"], one["runs"]) for one in listed["items"]] == [
        (2, "cut off", 5),
        (1, "found", 14),
    ]
    assert [one["ratio"] for one in listed["items"][1]["culprits"]] == [1.152, 0.98]
    one = client.get("/api/v1/bisections/2").json()
    assert (one["culprits"], one["expected"], len(one["steps"])) == ([], 11.6, 5)
    chances = {told["commit"]: told["chance"] for told in one["suspects"]}
    assert chances[history.culprit.sha] == 0.74
    assert one["none"] == 0.024
    assert one["size"] == {"ratio": 1.148, "low": 1.131, "high": 1.165}
    assert [one[name] for name in ("verified", "rest", "suspicion", "others", "fault")] == [
        None,
        None,
        None,
        [],
        "",
    ]
    done = client.get("/api/v1/bisections/1").json()
    assert done["verified"] is True
    assert done["rest"] == {"ratio": 1.001, "low": 0.992, "high": 1.011, "explained": True}
    assert done["suspicion"] == {"weight": 1.0, "files": ["scene/render.py", "scene/<tiles>.py"]}
    (other,) = done["others"]
    assert (other["key"]["title"], other["ratio"]) == (made.LARGE.title, 1.148)


def test_points_are_all_there_and_carry_their_commit(client: httpx.Client, history: History) -> None:
    got = client.get(f"/api/v1/series/{history.series[made.SMALL.title]}/points").json()
    assert got["total"] == len(got["points"]) == made.COMMITS - 1
    assert got["decimated"] is False
    positions = [point["position"] for point in got["points"]]
    assert positions == [i for i in range(made.COMMITS) if i != made.BROKEN_AT]
    last = got["points"][-1]
    assert last["commit"] == history.commits[-1].sha
    assert last["low"] <= last["value"] <= last["high"]


def test_points_are_thinned_and_cut(client: httpx.Client, history: History) -> None:
    address = f"/api/v1/series/{history.series[made.SMALL.title]}/points"
    whole = client.get(address).json()["points"]
    thin = client.get(address, params={"limit": 12}).json()
    assert thin["decimated"] is True
    assert len(thin["points"]) <= 12
    assert {p["value"] for p in thin["points"]} >= {f(p["value"] for p in whole) for f in (min, max)}
    part = client.get(address, params={"start": 10, "stop": 14}).json()
    assert [point["position"] for point in part["points"]] == [10, 11, 12, 13, 14]
    for path in (address, address.removeprefix("/api/v1").replace("points", "line")):
        assert client.get(path, params={"start": 2**70}).status_code == 422


def test_lists_are_paged(client: httpx.Client) -> None:
    first = client.get("/api/v1/series", params={"limit": 4}).json()
    rest = client.get("/api/v1/series", params={"limit": 4, "offset": 4}).json()
    assert first["total"] == rest["total"] == 6
    assert [len(first["items"]), len(rest["items"])] == [4, 2]
    assert len({row["id"] for row in first["items"] + rest["items"]}) == 6


def test_compare_says_verdicts(client: httpx.Client) -> None:
    got = client.get("/api/v1/compare", params={"a": "main~20", "b": "latest", "verdict": "slower"}).json()
    assert {row["key"]["title"] for row in got["rows"]} == {made.SMALL.title, made.LARGE.title}
    assert got["counts"]["slower"] == 2
    assert all(row["low"] <= row["ratio"] <= row["high"] for row in got["rows"])


@pytest.mark.parametrize(
    ("address", "status", "near"),
    [
        ("/api/v1/commits/mian", 404, ["main"]),
        ("/api/v1/series/9999", 404, []),
        ("/api/v1/nothing", 404, []),
        ("/api/v1/series?limit=100000", 422, []),
        ("/api/v1/series/1/points?limit=1", 422, []),
        ("/api/v1/compare?a=main", 422, []),
    ],
)
def test_problems_have_one_shape(address: str, status: int, near: list[str], client: httpx.Client) -> None:
    response = client.get(address)
    assert response.status_code == status
    problem = response.json()
    assert set(problem) == {"error", "hint", "near"}
    assert problem["near"] == near
    assert problem["error"]


def test_health(client: httpx.Client, history: History) -> None:
    got = client.get("/healthz").json()
    assert got["status"] == "ok"
    assert got["series"] == 6

"""The forms of a report: the comment against a golden file, XML and JSON by reading them again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from regress.domain import Metric, Verdict
from regress.service.ci import words
from regress.service.ci.annotations import locate, workflow_commands
from regress.service.ci.comment import markdown, marker
from regress.service.ci.junit import junit
from regress.service.ci.publish import FILES, tell_github, write_files
from regress.service.ci.report import CiReport, Decision
from regress.service.ci.sarif import sarif
from regress.service.ci.surroundings import Surroundings
from tests.regress.ci import reports

HERE = Path(__file__).parent


def test_the_comment_is_a_decision(golden: Callable[[Path, str], None]) -> None:
    pages = [markdown(each, details_url="https://ci.example/1") for each in reports.ALL]
    golden(HERE / "comments.golden.md", "\n---\n\n".join(pages))


@pytest.mark.parametrize(("report", "decision"), list(zip(reports.ALL, [
    Decision.SLOWER, Decision.SAME, Decision.FASTER, Decision.UNCLEAR, Decision.BROKEN, Decision.NO_ANSWER,
    Decision.NO_ANSWER], strict=True)), ids=lambda value: getattr(value, "value", ""))  # fmt: skip
def test_every_form_of_every_decision(report: CiReport, decision: Decision, tmp_path: Path) -> None:
    assert report.decision is decision
    write_files(report, tmp_path / "deep" / "out")
    assert {path.name for path in (tmp_path / "deep" / "out").iterdir()} == set(FILES)
    for form in FILES.values():
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202e]", form(report))
    suite = ElementTree.fromstring(junit(report).encode()).find("testsuite")
    assert suite is not None
    cases = len(report.rows) + len(report.broken) + len(report.unbuilt)
    assert len(suite) == int(suite.get("tests", "")) == cases
    told = json.loads((tmp_path / "deep" / "out" / "report.json").read_text())
    assert told["decision"] == decision.value
    assert len(told["benchmarks"]) == len(report.rows)


def test_names_of_the_repository_are_obeyed_by_nothing() -> None:
    text = markdown(reports.SLOWER)
    table = next(line for line in text.splitlines() if "evil" in line)
    assert len(re.findall(r"(?<!\\)\|", table)) == 6
    assert text.startswith(marker("demo"))
    assert marker("a --> <b>").count("-->") == 1
    commands = workflow_commands(reports.SLOWER)
    assert all(line.startswith(("::error ", "::notice ")) and "\n" not in line for line in commands)
    assert commands[0].startswith("::error file=bench/speed.py,line=7,title=Regress::speed.time_sort: worse")
    assert "%250A" in next(line for line in commands if "evil" in line)


def test_what_a_tool_said_names_nobody_and_draws_nothing() -> None:
    said = "@everyone ![x](https://evil.example/x.png) `a` \x1b[2J"
    text = markdown(replace(reports.report(), cut="the tool failed", said=said))
    quoted = "the tool failed (`` @everyone ![x](https://evil.example/x.png) `a` \ufffd[2J ``)"
    assert text.count("@everyone") == text.count(quoted) == 2


@pytest.mark.parametrize(
    "unit", ["@everyone", "![x](https://evil.example/x.png)", "a|b", "www.evil.example", "GH-1"]
)
def test_a_unit_of_the_repository_is_quoted(unit: str) -> None:
    text = markdown(reports.report(reports.row("track_it", Verdict.SLOWER, 9.0, Metric("it", unit))))
    cell = next(line for line in text.splitlines() if line.startswith("| `track_it [it]`"))
    assert cell.split(" | ")[1].startswith("`0.0020")
    assert len(re.findall(r"(?<!\\)\|", cell)) == 6


def test_sarif_points_at_the_benchmark() -> None:
    log = json.loads(sarif(reports.SLOWER))
    (run,) = log["runs"]
    assert [result["ruleId"] for result in run["results"]] == ["slower", "slower", "unclear", "broken"]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "bench/speed.py"}, "region": {"startLine": 7}}
    # GitHub refuses the whole log where one result has no file
    lost = replace(reports.SLOWER.rows[0], path="", line=0)
    told = replace(
        reports.SLOWER, rows=(lost,), places={"speed.time_boom": ("a b/é#.py", 3)}, suite="asv.conf.json"
    )
    places = [r["locations"][0]["physicalLocation"] for r in json.loads(sarif(told))["runs"][0]["results"]]
    assert places == [
        {"artifactLocation": {"uri": "asv.conf.json"}, "region": {"startLine": 1}},
        {"artifactLocation": {"uri": "a%20b/%C3%A9%23.py"}, "region": {"startLine": 3}},
    ]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]


def test_large_reports_fit_into_a_comment() -> None:
    rows = tuple(reports.SLOWER.rows[0] for _ in range(3000))
    text = markdown(reports.report(*rows))
    assert len(text) < 65_536
    assert "and 2960 more" in text


def test_benchmarks_are_found_in_the_source(tmp_path: Path) -> None:
    (tmp_path / "bench/deep").mkdir(parents=True)
    (tmp_path / "bench/speed.py").write_text("class Sort:\n    def time_sort(self):\n        pass\n")
    (tmp_path / "bench/deep/__init__.py").write_text("\ntrack_it = 1\n")
    (tmp_path / "test_x.py").write_text("def test_a(benchmark):\n    pass\n")
    folders = [tmp_path / "bench"]
    assert locate("speed.Sort.time_sort", tmp_path, folders) == ("bench/speed.py", 2)
    assert locate("deep.track_it", tmp_path, folders) == ("bench/deep/__init__.py", 2)
    assert locate("test_x.py::test_a[1]", tmp_path, folders) == ("test_x.py", 1)
    assert locate("../../etc/passwd::root", tmp_path, folders) == ("", 0)
    assert locate("no.such", tmp_path, folders) == ("", 0)


def test_github_reads_summary_and_outputs(tmp_path: Path) -> None:
    around = Surroundings(kind="github", summary=tmp_path / "summary", output=tmp_path / "output")
    (tmp_path / "summary").write_text("before\n")
    assert tell_github(reports.SAME, around, tmp_path / "x\ndecision=evil") == []
    assert (tmp_path / "summary").read_text().startswith("before\n<!-- regress ci: demo -->")
    outputs = dict(line.split("=", 1) for line in (tmp_path / "output").read_text().splitlines())
    assert outputs["decision"] == "same"
    assert outputs["sentence"] == words.first_line(reports.SAME)
    away = Surroundings(kind="github", summary=tmp_path / "none" / "summary")
    (note,) = tell_github(reports.SAME, away, tmp_path)
    assert note.startswith("summary not written: ")

"""The report as SARIF 2.1.0, for code scanning: one result for each series that got slower or stopped
working.

GitHub refuses a whole log for one result without a file: where a benchmark's own is not known, the suite's
stands for it.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any
from urllib.parse import quote

from regress.domain import Verdict
from regress.foreign import one_line
from regress.service.ci import words
from regress.service.ci.report import CiReport

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

_RULES = (
    ("slower", "Benchmark got slower", "A benchmark takes longer (or more) at head than at base.", "error"),
    ("broken", "Benchmark stopped working", "A benchmark gave a number at base and fails at head.", "error"),
    ("unclear", "Benchmark not decided", "The noise was too large for the pairs measured.", "note"),
)


def sarif(report: CiReport) -> str:
    """A log with one run; its results stand at the benchmark's own lines where these are known."""
    results = [
        _result(rule, words.sentence(row), row.title, row.path or report.suite, row.line)
        for rule, verdict in (("slower", Verdict.SLOWER), ("unclear", Verdict.UNCLEAR))
        for row in report.of(verdict)
    ]
    for failure in report.broken:
        path, line = report.place(failure.benchmark)
        text = f"{failure.benchmark}: works at base, fails at head"
        results.append(_result("broken", text, failure.benchmark, path or report.suite, line))
    run = {
        "tool": {
            "driver": {
                "name": "Regress",
                "semanticVersion": version("regress"),
                "rules": [
                    {
                        "id": name,
                        "shortDescription": {"text": short},
                        "fullDescription": {"text": full},
                        "defaultConfiguration": {"level": level},
                    }
                    for name, short, full, level in _RULES
                ],
            }
        },
        "automationDetails": {"id": f"regress-ci/{one_line(report.name)}"},
        "invocations": [{"executionSuccessful": not report.unbuilt}],
        "results": results,
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _result(rule: str, text: str, name: str, path: str, line: int) -> dict[str, Any]:
    index = [row[0] for row in _RULES].index(rule)
    place = {
        "logicalLocations": [{"fullyQualifiedName": one_line(name), "kind": "function"}],
        "physicalLocation": {
            "artifactLocation": {"uri": quote(path)},
            "region": {"startLine": max(line, 1)},
        },
    }
    return {
        "ruleId": rule,
        "ruleIndex": index,
        "level": _RULES[index][3],
        "message": {"text": one_line(text)},
        "locations": [place],
        "partialFingerprints": {"benchmark/v1": f"{rule} {one_line(name)}"},
    }

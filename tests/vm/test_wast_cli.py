"""``wasmvm wast``: what it counts, shows and exits with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vm.cli import main
from vm.tiers import TIERS

GOOD = """(module (func (export "one") (result i32) (i32.const 1)))
(assert_return (invoke "one") (i32.const 1))
"""
BAD = (
    GOOD
    + """(assert_return (invoke "one") (i32.const 2))
(assert_suspension (invoke "one") "later")
"""
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two scripts, one of them in a folder of its own."""
    (tmp_path / "good.wast").write_text(GOOD)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "bad.wast").write_text(BAD)
    return tmp_path


@pytest.mark.parametrize("tier", TIERS)
def test_a_script_that_passes(folder: Path, tier: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(folder / "good.wast")
    assert main(["wast", "--tier", tier, file]) == 0
    assert (
        capsys.readouterr().out == f"{file}: 2 passed, 0 failed, 0 skipped\n2 passed, 0 failed, 0 skipped\n"
    )


def test_a_folder_is_searched_and_failures_are_shown(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["wast", "--tier", "reference", str(folder)]) == 1
    bad, good = folder / "deep" / "bad.wast", folder / "good.wast"
    assert capsys.readouterr().out.splitlines() == [
        f"{bad}: 2 passed, 1 failed, 1 skipped",
        f"  {bad}:3: assert_return: expected [i32.const 2], got [0x1]",
        f"  {bad}:4: assert_suspension: this engine does not have it",
        f"{good}: 2 passed, 0 failed, 0 skipped",
        "4 passed, 1 failed, 1 skipped",
    ]


def test_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["wast", "--tier", "reference", "--json", str(folder / "deep"), str(folder / "absent")]) == 2
    report = json.loads(capsys.readouterr().out)
    bad, absent = report["files"]
    assert (report["passed"], report["failed"], report["skipped"]) == (2, 1, 1)
    assert [entry["status"] for entry in bad["not_passed"]] == ["failed", "skipped"]
    assert absent["error"].endswith("No such file or directory; check the path")


def test_what_is_no_script_does_not_stop_the_others(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "broken.wast").write_text("(module)\n(assert_return")
    assert main(["wast", "--tier", "reference", str(folder / "broken.wast"), str(folder / "good.wast")]) == 2
    out, err = capsys.readouterr()
    assert err.startswith(f"wasmvm: {folder / 'broken.wast'}:2:1: unclosed parenthesis: expected )\n")
    assert out.splitlines()[-1] == "3 passed, 0 failed, 0 skipped"


def test_a_folder_without_scripts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["wast", str(tmp_path)]) == 2
    assert "no .wast file in this folder" in capsys.readouterr().err

"""The documentation is checked like code: links lead somewhere, commands that it shows exist."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

PAGES = sorted(
    path for path in [*ROOT.glob("*.md"), *ROOT.glob("*/*.md")] if not path.is_relative_to(ROOT / ".regress")
)

LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:|#)([^)#\s]+)")


def shown_commands() -> Iterator[tuple[str, list[str]]]:
    """Every ``regress`` and ``wasmvm`` call in a console block of a page, split into words."""
    for page in PAGES:
        for block in re.findall(r"```(?:console|sh|bash)\n(.*?)```", page.read_text(encoding="utf-8"), re.S):
            for line in block.splitlines():
                for part in re.split(r"&&|\|", line.split("#")[0]):
                    words = shlex.split(part)
                    if words and words[0] in ("regress", "wasmvm"):
                        yield str(page.relative_to(ROOT)), words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_somewhere(page: Path) -> None:
    broken = [
        link for link in LINK.findall(page.read_text(encoding="utf-8")) if not (page.parent / link).exists()
    ]
    assert broken == []


@pytest.mark.parametrize("folder", ["vm", "regress", "web", "benchmarks", "tests"])
def test_every_top_folder_has_a_map(folder: str) -> None:
    """The map names each part of its folder."""
    text = (ROOT / folder / "README.md").read_text(encoding="utf-8")
    parts = [
        path.name
        for path in (ROOT / folder).iterdir()
        if (path.is_dir() and any(path.glob("*.*")) and not path.name.startswith((".", "__")))
        or (path.suffix == ".py" and path.name != "__init__.py")
    ]
    assert [part for part in parts if part.removesuffix(".py") not in text] == []


@pytest.mark.parametrize("tool", ["regress", "wasmvm"])
def test_shown_commands_exist(tool: str) -> None:
    """Each subcommand and long option in the pages is one that the command's own help knows."""
    calls = [(page, words) for page, words in shown_commands() if words[0] == tool]
    assert calls, f"no page shows how to call {tool}"
    for page, (_, *words) in calls:
        verb = [word for word in words[:1] if not word.startswith("-")]
        options = [word.split("=")[0] for word in words if word.startswith("--")]
        module = "regress" if tool == "regress" else "vm"
        result = subprocess.run(
            [sys.executable, "-m", module, *verb, "--help"],
            capture_output=True,
            text=True,
            env={"COLUMNS": "200", "TERM": "dumb", "PATH": "/usr/bin"},
        )
        assert result.returncode == 0, f"{page}: {tool} {words}: {result.stderr}"
        assert [option for option in options if option not in result.stdout] == [], f"{page}: {tool} {words}"

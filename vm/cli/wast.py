"""``wasmvm wast``: run scripts of the official test suite and say what passed."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from vm.cli.errors import EXIT_USAGE, InputError, described, read_file
from vm.config import KNOBS
from vm.errors import TextError
from vm.tiers import TIERS
from vm.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from vm.config import Config
    from vm.wast.judge import Outcome

EXIT_FAILED = 1

_SHOWN = 10
"""Commands shown of a file that did not pass."""

_EXAMPLES = """\
examples:
  wasmvm wast testsuite/i32.wast
  wasmvm wast testsuite                           every .wast file below it
  wasmvm wast --tier reference --json testsuite | jq '.files[] | select(.failed > 0) | .file'

exit code: 0 when nothing failed, 1 when something did, 2 when a file is no script.
"""

_STATUSES = ("passed", "failed", "skipped")


@dataclass(slots=True)
class _Result:
    """How one file went; ``error`` says why it was not run to its end."""

    file: str
    counts: Counter[str] = field(default_factory=Counter)
    others: list[Outcome] = field(default_factory=list)
    error: str = ""

    def record(self) -> dict[str, object]:
        """For programs."""
        commands = [
            {"line": o.line, "command": o.kind, "status": o.status.value, "detail": o.detail}
            for o in self.others
        ]
        error = {"error": self.error} if self.error else {}
        return {"file": self.file, **_counted(self.counts), "not_passed": commands, **error}

    def show(self) -> None:
        """For people: a line, and what did not pass below it."""
        if self.error:
            print(f"wasmvm: {self.error}", file=sys.stderr)
        print(f"{self.file}: {_sentence(self.counts)}")
        for outcome in self.others[:_SHOWN]:
            print(f"  {self.file}:{outcome.line}: {outcome.kind}: {outcome.detail}")
        if len(self.others) > _SHOWN:
            print(f"  and {len(self.others) - _SHOWN:,} more")


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    command = commands.add_parser(
        "wast",
        help="run scripts of the official test suite",
        description="Run test scripts (.wast): count and show what passed, failed, or is not known here.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    tiers = "; ".join(f"{name}: {entry.summary}" for name, entry in TIERS.items())
    usual = KNOBS["tier"].default
    command.add_argument("--tier", choices=tuple(TIERS), default=usual, help=f"how to run ({tiers})")
    command.add_argument("--json", action="store_true", help="print a JSON report")
    command.add_argument("paths", nargs="+", metavar="FILE|DIR", help="scripts, and folders of them")
    command.set_defaults(main=main)


def main(arguments: argparse.Namespace) -> int:
    """Run them all; the exit code."""
    from vm.config import Config

    config = Config(tier=arguments.tier, validate="eager")
    results = []
    for file in [file for path in arguments.paths for file in _scripts(path)]:
        results.append(_run(file, config))
        if not arguments.json:
            results[-1].show()
    total = sum((result.counts for result in results), Counter[str]())
    if arguments.json:
        import json

        print(json.dumps({"files": [result.record() for result in results], **_counted(total)}, indent=2))
    else:
        print(_sentence(total))
    if any(result.error for result in results):
        return EXIT_USAGE
    return EXIT_FAILED if total["failed"] else 0


def _scripts(path: str) -> Iterator[str]:
    """The file itself, or every script below a folder, in order."""
    if not Path(path).is_dir():
        yield path
        return
    found = sorted(str(file) for file in Path(path).rglob("*.wast"))
    if not found:
        raise InputError(f"{path}: no .wast file in this folder or below it; check the path")
    yield from found


def _run(file: str, config: Config) -> _Result:
    from vm.wast.judge import Status, run_script

    result, text = _Result(file), b""
    try:
        text = read_file(file)
        for outcome in run_script(text, config):
            result.counts[outcome.status.value] += 1
            if outcome.status is not Status.PASSED:
                result.others.append(outcome)
    except InputError as error:
        result.error = str(error)
    except TextError as error:
        result.error = described(file, error, text)
    return result


def _counted(counts: Counter[str]) -> dict[str, int]:
    return {status: counts[status] for status in _STATUSES}


def _sentence(counts: Counter[str]) -> str:
    return ", ".join(f"{counts[status]} {status}" for status in _STATUSES)

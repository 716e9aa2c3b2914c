"""``asv regress``: `regress ci` on the suite of an asv.conf.json, as a command of asv's own.

asv knows the commands of the modules in its package ``asv.plugins``, so the wheel puts ``asv_entry.py``
there.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from asv.commands import Command


class Regress(Command):  # type: ignore[misc] # asv has no types
    """The command ``asv regress [BASE [HEAD]]``."""

    @classmethod
    def setup_arguments(cls, subparsers: Any) -> argparse.ArgumentParser:
        """Declare the command; asv adds its global options (--config, --verbose)."""
        text = "Is HEAD slower than BASE? Measures both in turns until each benchmark is decided."
        parser: argparse.ArgumentParser = subparsers.add_parser("regress", help=text, description=text)
        add = parser.add_argument
        add("base", nargs="?", default="", help="default: where HEAD left the watched branch")
        add("head", nargs="?", default="", help="default: the commit that is checked out")
        add("--bench", "-b", action="append", default=[], help="only this benchmark; repeatable")
        add("--effect", type=float, help="slowdowns of so many per cent must be found (5)")
        add("--minutes", type=float, default=30.0, help="stop after so long (30)")
        parser.set_defaults(func=cls.run_from_args)
        return parser

    @classmethod
    def run_from_conf_args(cls, conf: Any, args: argparse.Namespace) -> int:
        """Measure, print, and give `regress ci`'s exit code."""
        from regress.errors import RegressError

        try:
            return _run(args)
        except RegressError as error:
            hint = f"\nhint: {error.hint}" if error.hint else ""
            print(f"error: {error}{hint}", file=sys.stderr)
            return 2


def _run(args: argparse.Namespace) -> int:
    from regress.cli.ci import exit_code, print_report
    from regress.cli.output import progress_console
    from regress.cli.progress import shown
    from regress.runner.asv import AsvRunner
    from regress.service.ci.gate import check_change
    from regress.service.ci.pairs import Budget
    from regress.service.ci.publish import write_files
    from regress.service.project import Project

    # asv has changed into the folder of its configuration by now.
    project = Project.open(Path.cwd())
    with shown(progress_console()) as listen:
        report = check_change(
            project,
            base=args.base,
            head=args.head,
            effect=None if args.effect is None else args.effect / 100,
            budget=Budget(seconds=60 * args.minutes),
            benchmarks=args.bench,
            runners=[AsvRunner(Path(args.config or "asv.conf.json").resolve(), project.state / "logs")],
            listen=listen,
        )
    folder = project.state / "ci"
    write_files(report, folder)
    print_report(report, folder, on_github=False)
    return exit_code(report, strict=False)

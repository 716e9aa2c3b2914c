"""``regress init``."""

from __future__ import annotations

from pathlib import Path

from regress.cli.options import Repo


def command(repo: Repo = Path(".")) -> None:
    """Write a commented regress.toml for this repository, and say what was found.

    Not needed to start: every setting has a default.

    Example:
      regress init
    """
    from regress.cli.output import console
    from regress.service.init import init
    from regress.words import count

    report = init(repo)
    out = console()
    out.print(f"wrote {report.path}", markup=False)
    out.print(f"branch {report.branch}, {count(report.commits, 'commit')}", markup=False)
    for suite in report.suites:
        out.print(f"suite: {suite.tool} {suite.config or ' '.join(suite.args)}".rstrip(), markup=False)
    if not report.suites:
        out.print("no benchmark suite yet: `asv quickstart` makes one", markup=False)
        return
    out.print("next: regress run --last 3 --serve", markup=False)

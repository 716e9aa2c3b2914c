"""The ``regress`` command. This is the edge: errors become one line, outcomes become exit codes.

    0    fine
    1    ``regress gate`` found a regression; ``regress doctor`` found something that stops the work
    2    bad input or usage: one line ``error: ...``, and a hint where there is one
    130  Ctrl-C; what was finished is kept

Importing this costs nothing; each command imports what it needs when it runs.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from types import FrameType

from regress.errors import RegressError


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    from regress.cli.app import app

    signal.signal(signal.SIGTERM, _interrupt)
    try:
        app(args=None if argv is None else list(argv), prog_name="regress")
    except RegressError as error:
        _complain(error)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # the reader (`| head`) has seen enough
        sys.stderr.close()
        sys.exit(0)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """SIGTERM ends a run as Ctrl-C does: in order."""
    raise KeyboardInterrupt


def _complain(error: RegressError) -> None:
    line = " ".join(str(error).split())
    print(f"error: {line}", file=sys.stderr)
    if error.hint:
        print(f"hint: {error.hint}", file=sys.stderr)

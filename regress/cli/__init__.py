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
    arguments = list(sys.argv[1:] if argv is None else argv) or ["--help"]
    try:
        sys.exit(app(args=arguments, prog_name="regress", standalone_mode=False) or 0)
    except RegressError as error:
        _complain(str(error), error.hint)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # the reader (`| head`) has seen enough
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:
        # Usage errors are click's, or those of the copy of click that newer typers carry: no common class.
        if not hasattr(error, "format_message"):
            raise
        _complain(error.format_message(), "regress --help, or --help after the command, shows what it takes.")
        sys.exit(2)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """SIGTERM ends a run as Ctrl-C does: in order."""
    raise KeyboardInterrupt


def _complain(message: str, hint: str) -> None:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    if hint:
        print(f"hint: {hint}", file=sys.stderr)

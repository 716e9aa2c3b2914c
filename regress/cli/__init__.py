"""The ``regress`` command. This is the edge: errors become one line, outcomes become exit codes.

    0    fine
    1    ``regress gate`` or ``regress ci`` found a regression; ``regress doctor`` what stops the work
    2    bad input or usage: one line ``error: ...``, and a hint where there is one
    3    ``regress ci`` has no answer (a side does not build, nothing in common; with --strict: not decided);
         ``regress push`` has a queue left, which goes with the next push
    130  Ctrl-C; what was finished is kept

Importing this costs nothing; each command imports what it needs when it runs.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from regress.errors import RegressError

INTERRUPTED = 130
"""The exit code of a process that Ctrl-C ended: 128 and SIGINT's number."""


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    signal.signal(signal.SIGTERM, _interrupt)
    arguments = list(sys.argv[1:] if argv is None else argv) or ["--help"]
    try:
        code = _run(arguments)
        sys.stdout.flush()
        sys.exit(code)
    except RegressError as error:
        _complain(str(error), error.hint)
        sys.exit(2)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # the reader (`| head`) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the flush at exit must not fail too
        sys.exit(0)
    except OSError as error:  # a full disk, a folder that may not be written: nobody's bug
        if error.strerror is None:
            raise
        _complain(f"{error.filename or 'input or output'}: {error.strerror}", "")
        sys.exit(2)
    except Exception as error:
        # Usage errors are click's, or those of the copy of click that newer typers carry: no common class.
        if not hasattr(error, "format_message"):
            raise
        _complain(error.format_message(), "regress --help, or --help after the command, shows what it takes.")
        sys.exit(2)


def _run(arguments: list[str]) -> int:
    """The exit code of a command. Unlike typer's own ``main``, it lets Ctrl-C and broken pipes through."""
    import typer

    from regress.cli.app import app

    command = typer.main.get_command(app)
    try:
        with command.make_context("regress", arguments) as context:
            command.invoke(context)
    except typer.Exit as ended:
        return ended.exit_code
    return 0


def _interrupt(number: int, frame: FrameType | None) -> None:
    """SIGTERM ends a run as Ctrl-C does: in order. A moment later, where Python drops what is raised."""
    while frame is not None:
        if frame.f_code.co_name == "__del__":
            import threading

            again = threading.Timer(0.05, os.kill, (os.getpid(), number))
            again.daemon = True  # who ends by then needs no telling
            again.start()
            return
        frame = frame.f_back
    raise KeyboardInterrupt


def _complain(message: str, hint: str) -> None:
    from regress.foreign import printable

    print(f"error: {printable(' '.join(message.split()))}", file=sys.stderr)
    if hint:
        print(f"hint: {printable(hint)}", file=sys.stderr)

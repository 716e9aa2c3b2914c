"""The command line at its edges: hostile texts, signals, disks, pipes."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from regress.cli import _interrupt
from regress.cli.terminal import Terminal
from regress.errors import ConfigError
from regress.foreign import code, one_line, printable
from regress.runner.asv_config import read_asv_config
from tests.regress.fixtures.repos import GitRepo

HOSTILE = "red \x1b[31m bell \x07 C1 \x9b2J over\rwritten \u202eback\u2069 [bold]mark[/] \x1f\x1e é 日本"


def regress(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A command as a process of its own, to its end."""
    return subprocess.run(
        [sys.executable, "-c", "from regress.cli import main; main()", *arguments],
        cwd=cwd, capture_output=True, encoding="utf-8", timeout=60, check=False,
    )  # fmt: skip


def test_what_a_terminal_obeys_is_replaced_and_all_else_stays() -> None:
    assert printable("plain\ttext\nä 日本 →") == "plain\ttext\nä 日本 →"
    assert printable(HOSTILE).count("\ufffd") == 8
    assert not set(printable(HOSTILE)) & set("\x1b\x07\x9b\r\u202e\u2069\x1f\x1e")


def test_a_text_on_one_line_is_cut_and_code_ends_where_it_should() -> None:
    assert one_line("a\n b\t\tc\u2028d ") == "a b c d"
    assert one_line("x" * 400, 10) == "x" * 9 + "…"
    assert (code("a`b|c"), code("plain"), code("")) == ("`` a`b|c ``", "`plain`", "")


def test_a_terminal_prints_strings_and_table_cells_harmlessly() -> None:
    from rich.table import Table

    written = io.StringIO()
    console = Terminal(file=written, width=200)
    table = Table("name")
    table.add_row("cell \x1b[2J")
    console.print("line \x1b[2J", table)
    assert "\x1b" not in written.getvalue()
    assert written.getvalue().count("\ufffd[2J") == 2


def test_a_hostile_revision_is_repeated_harmlessly(tmp_path: Path) -> None:
    GitRepo(tmp_path).commit("one")
    ran = regress("compare", "HEAD", "no\x1b[31mne", cwd=tmp_path)
    assert ran.returncode == 2
    assert ran.stderr.startswith("error: ")
    assert "\x1b" not in ran.stderr


def test_ctrl_c_outside_of_a_run_says_so(tmp_path: Path) -> None:
    GitRepo(tmp_path).commit("one")
    code = (
        "import os, signal\n"
        "from regress.cli import main\n"
        "import regress.service.doctor as doctor\n"
        "doctor.doctor = lambda *_, **__: os.kill(os.getpid(), signal.SIGINT)\n"
        "main(['doctor'])\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr.strip()) == (128 + signal.SIGINT, "interrupted")


def test_a_signal_is_not_lost_in_a_finaliser() -> None:
    class Ending:
        def __del__(self) -> None:  # what is raised here is dropped
            signal.raise_signal(signal.SIGTERM)

    def end_and_wait() -> None:
        Ending()
        threading.Event().wait(30)

    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            end_and_wait()
    finally:
        signal.signal(signal.SIGTERM, before)


def test_analysing_nothing_says_what_to_do(tmp_path: Path) -> None:
    GitRepo(tmp_path).commit("one")
    ran = regress("analyse", cwd=tmp_path)
    assert ran.returncode == 2
    assert "nothing is measured yet" in ran.stderr
    assert "regress run" in ran.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    GitRepo(tmp_path).commit("one")
    with open("/dev/full", "w") as full:
        ran = subprocess.run(
            [sys.executable, "-c", "from regress.cli import main; main()", "doctor", "--json"],
            cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert ran.returncode == 2
    assert ran.stderr.startswith("error: ")
    assert "No space left" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    GitRepo(tmp_path).commit("one")
    with subprocess.Popen(
        [sys.executable, "-u", "-c", "from regress.cli import main; main()", "doctor", "--json"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (0, "")


def test_json_is_ascii_whatever_the_locale(tmp_path: Path) -> None:
    GitRepo(tmp_path / "dépôt").commit("one")
    ran = regress("doctor", "--json", cwd=tmp_path / "dépôt")
    assert ran.stdout.isascii()
    assert json.loads(ran.stdout)


@pytest.mark.parametrize("length", ['"eight"', "0", "[]"])
def test_an_impossible_hash_length_is_named(tmp_path: Path, length: str) -> None:
    path = tmp_path / "asv.conf.json"
    path.write_text(f'{{"repo": ".", "hash_length": {length}}} // a comment\r\n')
    with pytest.raises(ConfigError, match="hash_length: expected a number from 1 to 40"):
        read_asv_config(path)

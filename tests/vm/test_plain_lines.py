"""Plain command lines are read as argparse reads them, and whatever is not plain is left to it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vm.cli import COMMANDS, plain, run
from vm.cli.parsing import parse

WORDS = (
    *("--tier", "--tier=llvm", "--tier=other", "llvm", "reference", "--invoke", "--invoke=", "--invoke=f"),
    *(
        "--dir",
        "--dir=.",
        "--set",
        "--set=a=b",
        "--env",
        "--env=A=B=C",
        "A=B",
        "--tcplisten",
        "--allow-precompiled",
        "--allow",
    ),
    *("--allow-precompiled=yes", "--", "-", "-1", "--help", "-h", "", " ", "-x y", "a.wasm", "b", "--inv=g"),
)


@given(st.lists(st.sampled_from(WORDS), max_size=8))
def test_what_is_read_is_what_argparse_reads(words: list[str]) -> None:
    found = plain.read(words, run.OPTIONS)
    if found is not None:
        theirs = vars(parse(["run", *words], COMMANDS))
        assert vars(found) | {"command": "run", "version": None, "main": run.main} == theirs


def test_usual_lines_are_plain() -> None:
    line = [
        "--tier",
        "llvm",
        "--dir=.",
        "--dir",
        "/x:ro",
        "--env",
        "A=B",
        "--allow-precompiled",
        "f",
        "1",
        "-2",
    ]
    found = plain.read(line, run.OPTIONS)
    assert found is not None
    assert (found.tier, found.dir, found.env, found.tcplisten) == ("llvm", [".", "/x:ro"], ["A=B"], [])
    assert (found.allow_precompiled, found.invoke, found.file, found.args) == (True, None, "f", ["1", "-2"])


def test_other_lines_are_left_to_argparse() -> None:
    for line in (
        ["--help"],
        ["--tier", "no", "f"],
        ["--inv", "f", "g"],
        ["f", "--", "x"],
        ["--dir"],
        [],
        ["-1"],
    ):
        assert plain.read(line, run.OPTIONS) is None

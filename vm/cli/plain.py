"""Plain command lines, read without argparse: that takes 8 ms, a third of what a small run may take.

Plain is what leaves nothing to ask about. For help, abbreviations, errors and whatever else is not, argparse
looks at the whole again; it has the options from the same table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace

from vm.typed import Any

Options = Mapping[str, Mapping[str, Any]]
"""Options by name, with what ``argparse`` is told of each: ``action`` ("append", "store_true", or none for a
value), ``choices``, ``default``."""


def read(given: Sequence[str], options: Options) -> SimpleNamespace | None:
    """What ``[OPTION ...] FILE [ARG ...]`` gives; None where it takes argparse to tell."""
    found = {_attribute(name): _unset(row) for name, row in options.items()}
    at = 0
    while at < len(given) and given[at].startswith("-"):
        name, equals, value = given[at].partition("=")
        row = options.get(name)
        if row is None:
            return None
        at += 1
        if row.get("action") == "store_true":
            if equals:
                return None
            found[_attribute(name)] = True
            continue
        if not equals:
            if at == len(given) or given[at].startswith("-"):
                return None
            value = given[at]
            at += 1
        if not value or value not in row.get("choices", (value,)):
            return None
        if row.get("action") == "append":
            found[_attribute(name)].append(value)
        else:
            found[_attribute(name)] = value
    if at == len(given) or "--" in given or not given[at]:
        return None
    return SimpleNamespace(**found, file=given[at], args=list(given[at + 1 :]))


def _attribute(option: str) -> str:
    return option.removeprefix("--").replace("-", "_")


def _unset(row: Mapping[str, Any]) -> Any:
    """The value of an option that is not given."""
    if row.get("action") == "store_true":
        return False
    default = row.get("default")
    return list(default) if isinstance(default, list) else default

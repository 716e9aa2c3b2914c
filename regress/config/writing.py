"""The file that ``regress init`` writes, rendered from the sections: it cannot drift from the code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import tomlkit

from regress.config.notify import EXAMPLE
from regress.config.sections import LISTS, SECTIONS, ProjectConfig, SuiteConfig
from regress.errors import ConfigError


def write_default(path: Path, suites: Sequence[SuiteConfig] = (), *, name: str = "") -> None:
    """Write a commented configuration that says the defaults, and ``suites``; never over an existing file."""
    document = tomlkit.document()
    document.add(
        tomlkit.comment(
            "Regress's choices for this repository. Every line may go: what is not said has its default."
        )
    )
    for section, kind in SECTIONS.items():
        table = _render(kind(name=name) if kind is ProjectConfig and name else kind())
        if section == "detection":
            _comment(
                table,
                "The smallest change that matters, per series; repeat at will (else: times 3 %, others 1 %).",
            )
            for line in (
                "[[detection.effect]]",
                'metric = "peak memory"',
                'benchmark = "*"',
                "minimum = 0.05",
            ):
                _comment(table, line)
        if section == "notify":
            _comment(table, "Who is told, and how; repeat at will.")
            for line in EXAMPLE:
                _comment(table, line)
        document.add(section, table)
    if suites:
        array = tomlkit.aot()
        for suite in suites:
            array.append(_render(suite))
        document.add("suite", array)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(tomlkit.dumps(document))
    except FileExistsError as error:
        raise ConfigError(path, "", "exists already", hint="Edit it, or move it away.") from error
    except OSError as error:
        raise ConfigError(path, "", f"cannot be written: {error.strerror}") from error


def _render(section: Any) -> tomlkit.items.Table:
    """A section as a table, each knob under its explanation."""
    table = tomlkit.table()
    for knob in fields(section):
        if knob.name in LISTS:
            continue
        value = getattr(section, knob.name)
        _comment(table, knob.metadata["help"])
        table.add(knob.name, list(value) if isinstance(value, tuple) else value)
    return table


def _comment(table: tomlkit.items.Table, text: str) -> None:
    table.add(tomlkit.comment(text))

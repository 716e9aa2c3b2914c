"""From a file to the configuration: found, read, every value checked."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import Field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from regress.config.knobs import Check
from regress.config.sections import LISTS, SECTIONS, Config, DetectionConfig, EffectConfig, SuiteConfig
from regress.errors import ConfigError, suggest

FILE_NAME = "regress.toml"

_MAX_BYTES = 1_000_000  # a configuration beyond this is some other file

Section = TypeVar("Section")


def find(folder: Path) -> Path | None:
    """The ``regress.toml`` of ``folder``: its own or the nearest above, up to the repository's top."""
    for place in (folder.absolute(), *folder.absolute().parents):
        if (place / FILE_NAME).is_file():
            return place / FILE_NAME
        if (place / ".git").exists():
            return None
    return None


def load(path: Path | str = ".") -> Config:
    """The configuration in a file, or found from a folder; all defaults when a folder has none.

    ConfigError names the key or line, what was expected, and what to do.
    """
    path = Path(path)
    file = find(path) if path.is_dir() else path
    if file is None:
        return Config(root=path.absolute())
    return parse(_read(file), file)


def parse(text: str, path: Path) -> Config:
    """The configuration that ``text`` means; ``path`` is where it is from."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message, _, where = str(error).partition(" (at ")
        raise ConfigError(
            path, where.rstrip(")"), message, hint="Check the quotes and brackets there."
        ) from error
    _refuse_unknown(document, (*SECTIONS, "suite"), "", path)
    sections: dict[str, Any] = {
        name: _section(kind, document.get(name, {}), name, path) for name, kind in SECTIONS.items()
    }
    suites = _tables(SuiteConfig, document.get("suite", []), "suite", path)
    return Config(root=path.absolute().parent, path=path.absolute(), suite=suites, **sections)


def with_settings(detection: DetectionConfig, settings: Iterable[str]) -> DetectionConfig:
    """What ``key=value`` texts make of the detection section; ``effect=0.05`` holds for every series.

    ConfigError as for a file, of which "--set" is the path.
    """
    knobs, given = {knob.name: knob for knob in fields(DetectionConfig)}, Path("--set")
    for text in settings:
        name, equals, told = text.partition("=")
        if not equals:
            hint = "For example --set false_alarms=0.001."
            raise ConfigError(given, name, "expected KEY=VALUE", hint=hint)
        _refuse_unknown({name: told}, knobs, "detection", given)
        if name == "effect":
            (knob,) = (knob for knob in fields(EffectConfig) if knob.name == "minimum")
            minimum = _value(knob, _literal(told), "detection.effect", given)
            detection = replace(detection, effect=(*detection.effect, EffectConfig(minimum=minimum)))
        else:
            value = _value(knobs[name], _literal(told), f"detection.{name}", given)
            detection = replace(detection, **{name: value})
    return detection


def _literal(text: str) -> float | str:
    """A number where it is one, whole where it says so."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ConfigError(path, "", f"larger than {_MAX_BYTES:,} bytes", hint="Is it the right file?")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(path, f"byte {error.start}", "not UTF-8 text", hint="Save it as UTF-8.") from error
    except OSError as error:
        hint = "`regress init` writes one."
        raise ConfigError(path, "", f"cannot be read: {error.strerror}", hint=hint) from error


def _section(kind: type[Section], table: Any, where: str, path: Path) -> Section:
    """A table as its dataclass, every value checked."""
    if not isinstance(table, dict):
        raise ConfigError(path, where, f"expected a table, found {_named(table)}", hint=f"Write [{where}].")
    known = {f.name: f for f in fields(kind)}  # type: ignore[arg-type] # sections are dataclasses
    _refuse_unknown(table, known, where, path)
    values: dict[str, Any] = {}
    for key, value in table.items():
        place = f"{where}.{key}"
        if key in LISTS:
            values[key] = _tables(LISTS[key], value, place, path)
        else:
            values[key] = _value(known[key], value, place, path)
    return kind(**values)


def _tables(kind: type[Section], tables: Any, where: str, path: Path) -> tuple[Section, ...]:
    if not isinstance(tables, list):
        raise ConfigError(
            path, where, f"expected a list of tables, found {_named(tables)}", hint=f"Write [[{where}]]."
        )
    return tuple(_section(kind, table, f"{where}[{i}]", path) for i, table in enumerate(tables))


def _value(knob: Field[Any], value: Any, where: str, path: Path) -> Any:
    wanted = type(knob.default)
    if wanted is float and type(value) is int:
        value = float(value)
    if wanted is tuple and isinstance(value, list) and all(isinstance(item, str) for item in value):
        value = tuple(value)
    if type(value) is not wanted:
        expected = {
            str: "text",
            int: "a whole number",
            float: "a number",
            bool: "true or false",
            tuple: "a list of texts",
        }
        raise ConfigError(
            path, where, f"expected {expected[wanted]}, found {_named(value)}", hint=knob.metadata["help"]
        )
    check: Check | None = knob.metadata["check"]
    if check and not check.holds(value):
        raise ConfigError(
            path, where, f"expected {check.expected}, found {value!r}", hint=knob.metadata["help"]
        )
    return value


def _refuse_unknown(table: Mapping[str, Any], known: Any, where: str, path: Path) -> None:
    for key in table:
        if key not in known:
            near = suggest(key, known)
            hint = f"Did you mean {near[0]!r}?" if near else f"Known here: {', '.join(known)}."
            raise ConfigError(path, f"{where}.{key}".strip("."), "unknown key", hint=hint)


def _named(value: Any) -> str:
    return f"{value!r:.40}"

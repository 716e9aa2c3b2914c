"""Reading files that others wrote: bounded, and with errors that name the place and the remedy."""

from __future__ import annotations

import codecs
import contextlib
import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from regress.config import IngestConfig
from regress.errors import IngestError

USUAL = IngestConfig()
"""The limits where nobody has chosen any."""

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # what PowerShell's ">" writes
_AGAIN = "The file is damaged or cut off: let the tool write it again, or leave it out."
_NAMES = {dict: "an object", list: "a list", str: "a text", float: "a number", int: "a whole number"}


@dataclass(frozen=True, slots=True)
class Context:
    """What the caller tells where a file does not: commit and machine; and how much is too much."""

    commit: str = ""
    machine: str = ""
    limits: IngestConfig = USUAL


@dataclass(frozen=True, slots=True)
class Document:
    """A file. ``json`` is the value in it, None where it is text; ``digest`` is the SHA-256 of its bytes."""

    path: Path
    text: str
    json: Any
    digest: str

    @property
    def data(self) -> Mapping[str, Any]:
        """The JSON object in the file; empty where it holds something else."""
        return self.json if isinstance(self.json, dict) else {}

    @property
    def rows(self) -> list[Any]:
        """The JSON list in the file; empty where it holds something else."""
        return self.json if isinstance(self.json, list) else []

    def first(self, key: str = "") -> Mapping[str, Any]:
        """The first object of the list under ``key`` (or of the file's own); empty where there is none."""
        listed = self.data.get(key) if key else self.json
        return listed[0] if isinstance(listed, list) and listed and isinstance(listed[0], dict) else {}

    def objects(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Line numbers and objects of JSON lines; empty lines and comments (#) are passed over."""
        if self.data:
            yield 1, self.data
            return
        for number, line in enumerate(self.text.splitlines(), 1):
            if line.strip() and not line.startswith("#"):
                yield number, self.expect(self._line(number, line), dict, f"line {number}")

    def _line(self, number: int, line: str) -> Any:
        try:
            return json.loads(line)
        except json.JSONDecodeError as error:
            raise self.error(f"line {number}, column {error.colno}", f"not JSON: {error.msg}") from error
        except (ValueError, RecursionError) as error:
            raise self.error(f"line {number}", f"not JSON: {error}") from error

    def error(self, where: str, message: str, *, hint: str = _AGAIN) -> IngestError:
        """An error about the value at the JSON path ``where``."""
        return IngestError(self.path, where, message, hint=hint)

    def expect(self, value: Any, kind: type, where: str) -> Any:
        """``value``, if it is of ``kind`` (a JSON type)."""
        if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
            return value
        raise self.error(where, f"expected {_NAMES[kind]}, found {value!r:.40}")

    def get(self, table: Mapping[str, Any], key: str, kind: type, where: str) -> Any:
        """The value of a key that must be there."""
        if key not in table:
            raise self.error(where, f"lacks {key!r}")
        return self.expect(table[key], kind, f"{where}.{key}")

    def each(self, table: Mapping[str, Any], key: str, where: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """JSON paths and objects of a list that must be there and hold nothing else."""
        for i, item in enumerate(self.get(table, key, list, where)):
            yield f"{where}.{key}[{i}]", self.expect(item, dict, f"{where}.{key}[{i}]")

    def listed(self, table: Mapping[str, Any], key: str, where: str) -> list[Any]:
        """A list that may be missing or null."""
        value: list[Any] = self.expect(table.get(key) or [], list, f"{where}.{key}")
        return value

    def table(self, table: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
        """An object that may be missing or null."""
        value: Mapping[str, Any] = self.expect(table.get(key) or {}, dict, f"{where}.{key}")
        return value

    def number(self, value: Any, where: str) -> float:
        """``value`` as a float; may be NaN or infinite, since Python's JSON has them."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.error(where, f"expected a number, found {value!r:.40}")
        try:
            return float(value)
        except OverflowError as error:
            raise self.error(where, "a number too large to be a measurement") from error

    def decimal(self, text: str, where: str) -> float:
        """A number that stands in a text; may be NaN or infinite."""
        try:
            return float(text)
        except ValueError as error:
            raise self.error(where, f"expected a number, found {text!r:.40}") from error

    def finite(self, value: Any, where: str) -> float | None:
        """``value`` as a float; None where it is null, NaN or infinite."""
        if value is None:
            return None
        number = self.number(value, where)
        return number if math.isfinite(number) else None

    def time(self, milliseconds: Any, where: str) -> datetime | None:
        """A JavaScript timestamp as a datetime; None where there is none."""
        number = self.finite(milliseconds, where)
        if number is None:
            return None
        try:
            return datetime.fromtimestamp(number / 1000, UTC)
        except (OverflowError, ValueError, OSError) as error:
            raise self.error(where, f"{number:g} is no time in milliseconds since 1970") from error

    def iso_time(self, text: Any, where: str) -> datetime | None:
        """An ISO 8601 time as a datetime, UTC where it names no zone; None where there is none."""
        if text is None:
            return None
        try:
            parsed = datetime.fromisoformat(self.expect(text, str, where))
            return (parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise self.error(where, f"{text!r:.40} is no time") from error


def load(path: Path, limits: IngestConfig = USUAL) -> Document:
    """A file's content; IngestError says what is wrong with it, and where."""
    raw = _bytes(path, limits.largest_mb)
    try:
        text = raw.decode("utf-16" if raw.startswith(_UTF16) else "utf-8-sig")
    except UnicodeDecodeError as error:
        told = f"not {error.encoding.upper()} text"
        raise IngestError(path, f"byte {error.start}", told, hint=_AGAIN) from error
    return Document(path, text, _json(path, text), hashlib.sha256(raw).hexdigest())


def _json(path: Path, text: str) -> Any:
    """The JSON value that a text is; None for JSON lines and for what does not look like JSON.

    orjson takes a fifth of the time, and refuses all that is not strictly JSON: what it refuses is left to
    Python's reader, which takes the NaN that Python tools write, and says more exactly what is wrong.
    """
    start = text.lstrip()[:1]
    if start not in ("{", "[") and (path.suffix != ".json" or start == "#"):
        return None
    with contextlib.suppress(orjson.JSONDecodeError):
        return orjson.loads(text)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and start == "{":  # JSON lines: each is looked at when it is read
            return None
        where = f"line {error.lineno}, column {error.colno}"
        raise IngestError(path, where, f"not JSON: {error.msg}", hint=_AGAIN) from error
    except (RecursionError, ValueError) as error:  # nested too deeply; a number with thousands of digits
        raise IngestError(path, "", f"not a result file: {error}", hint=_AGAIN) from error


def _bytes(path: Path, megabytes: int) -> bytes:
    most = megabytes * 1_000_000
    try:
        with path.open("rb") as file:
            known = os.fstat(file.fileno()).st_size  # 0 for a pipe, so that what is read is counted too
            raw = file.read(most + 1) if known <= most else b""
    except OSError as error:
        hint = "Check the name and its permissions."
        raise IngestError(path, "", f"cannot be read: {error.strerror}", hint=hint) from error
    if max(known, len(raw)) > most:
        hint = "Is it a result file? Split it if it is, or raise ingest.largest_mb in regress.toml."
        raise IngestError(path, "", f"larger than {megabytes:,} MB", hint=hint)
    if not raw.strip():
        raise IngestError(path, "line 1, column 1", "empty file", hint=_AGAIN)
    return raw


def facts(table: Mapping[str, Any], *leave_out: str) -> tuple[tuple[str, str], ...]:
    """An object's simple values as sorted (name, text) pairs, for a machine or an environment."""
    simple = {k: v for k, v in table.items() if isinstance(v, str | int | float) and k not in leave_out}
    return tuple(sorted((key, str(value)) for key, value in simple.items()))

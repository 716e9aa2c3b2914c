"""Reading JSON that others wrote: bounded, and with errors that name the place and the remedy."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from regress.errors import IngestError

MAX_BYTES = 256 * 1024 * 1024
"""The largest file that is read. asv writes about 1 KB a benchmark, so that this is far beyond any result."""

_AGAIN = "The file is damaged or cut off: let the tool write it again, or leave it out."
_NAMES = {dict: "an object", list: "a list", str: "a text", float: "a number", int: "a whole number"}


@dataclass(frozen=True, slots=True)
class Document:
    """A JSON object from a file. ``digest`` is the SHA-256 of its bytes."""

    path: Path
    data: Mapping[str, Any]
    digest: str

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

    def number(self, value: Any, where: str) -> float:
        """``value`` as a float; may be NaN or infinite, since Python's JSON has them."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.error(where, f"expected a number, found {value!r:.40}")
        try:
            return float(value)
        except OverflowError as error:
            raise self.error(where, "a number too large to be a measurement") from error

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


def load(path: Path) -> Document:
    """The JSON object in a file; IngestError says what is wrong with it, and where."""
    raw = _bytes(path)
    try:
        data = json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise IngestError(path, f"byte {error.start}", "not UTF-8 text", hint=_AGAIN) from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise IngestError(path, where, f"not JSON: {error.msg}", hint=_AGAIN) from error
    except (RecursionError, ValueError) as error:  # nested too deeply; a number with thousands of digits
        raise IngestError(path, "", f"not a result file: {error}", hint=_AGAIN) from error
    if not isinstance(data, dict):
        raise IngestError(path, "$", f"expected an object, found {data!r:.40}", hint=_AGAIN)
    return Document(path, data, hashlib.sha256(raw).hexdigest())


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        hint = "Check the name and its permissions."
        raise IngestError(path, "", f"cannot be read: {error.strerror}", hint=hint) from error
    if len(raw) > MAX_BYTES:
        hint = "Is it a result file? Split it if it is."
        raise IngestError(path, "", f"larger than {MAX_BYTES // 2**20} MiB", hint=hint)
    if not raw.strip():
        raise IngestError(path, "line 1, column 1", "empty file", hint=_AGAIN)
    return raw


def facts(table: Mapping[str, Any], *leave_out: str) -> tuple[tuple[str, str], ...]:
    """An object's simple values as sorted (name, text) pairs, for a machine or an environment."""
    simple = {k: v for k, v in table.items() if isinstance(v, str | int | float) and k not in leave_out}
    return tuple(sorted((key, str(value)) for key, value in simple.items()))

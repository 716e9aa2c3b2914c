"""``wasmvm cache``: what compiled code is kept on disk; throw it away."""

from __future__ import annotations

import argparse
import time

from vm.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from vm.jit.objects import Objects

_EXAMPLES = """\
examples:
  wasmvm cache                 # where it is, how much there is, how much there may be
  wasmvm cache list --json | jq '.entries[0].key'
  wasmvm cache clear

$WASMVM_OBJECTS names another folder, or "off". Programs only get slower starts without it.
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    command = commands.add_parser(
        "cache",
        help="show or clear the compiled code that is kept on disk",
        description="Compiled code is kept for the next start, the least recently used thrown out first.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument(
        "what", nargs="?", choices=tuple(_ACTIONS), default="size", help="what to do (default: size)"
    )
    command.add_argument("--folder", default="", metavar="DIR", help="of this folder, not of the usual one")
    command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(main=main)


def main(arguments: argparse.Namespace) -> int:
    """Do it; the exit code."""
    import json

    from vm.config import Config
    from vm.jit.objects import objects

    kept = objects(Config(cache_folder=arguments.folder))
    record = {"folder": str(kept.folder), "most": kept.most, **_ACTIONS[arguments.what](kept)}
    print(json.dumps(record, indent=2) if arguments.json else _text(record))
    return 0


def _size(kept: Objects) -> dict[str, object]:
    entries = kept.entries()
    return {"files": len(entries), "bytes": sum(entry.size for entry in entries)}


def _list(kept: Objects) -> dict[str, object]:
    entries = [
        {"key": entry.key, "bytes": entry.size, "used": round(entry.used, 3)} for entry in kept.entries()
    ]
    return {**_size(kept), "entries": entries}


def _clear(kept: Objects) -> dict[str, object]:
    before = _size(kept)
    return {"deleted": kept.clear(), "before": before["bytes"], **_size(kept)}


_ACTIONS = {"size": _size, "list": _list, "clear": _clear}


def _text(record: dict[str, object]) -> str:
    """For people."""
    if not record["most"]:
        return "no compiled code is kept: $WASMVM_OBJECTS is off"
    entries = record.get("entries")
    lines = []
    if isinstance(entries, list):
        lines = [f"{entry['key']}  {entry['bytes']:>12,}  {_day(entry['used'])}" for entry in entries]
    if "deleted" in record:
        lines.append(f"{record['deleted']:,} files deleted, {record['before']:,} bytes")
    held = f"{record['files']:,} files, {record['bytes']:,} of {record['most']:,} bytes"
    lines.append(f"{record['folder']}: {held}")
    return "\n".join(lines)


def _day(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))

"""Programs as ``python -m benchmarks.versus --programs DIR`` takes them: commands that need no files."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from tests.programs.drivers.commands import command
from tests.programs.lab import Lab
from tests.programs.registry import Program


def export(programs: Iterable[Program], folder: Path) -> list[str]:
    """Write modules, inputs, outputs (which are right) and ``manifest.json`` to ``folder``; the names."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = []
    for program in programs:
        if program.driver != "command" or program.files or program.code:
            continue
        lab = Lab(program.module(), "llvm")
        command(lab, program)
        outcome = lab.command([program.name, *program.args], stdin=program.stdin.encode())
        for suffix, data in (
            ("wasm", program.module()),
            ("in", program.stdin.encode()),
            ("out", outcome.stdout),
        ):
            (folder / f"{program.name}.{suffix}").write_bytes(data)
        stdin = f"{program.name}.in" if program.stdin else None
        entries.append(
            {
                "name": program.name,
                "wasm": f"{program.name}.wasm",
                "args": list(program.args),
                "stdin": stdin,
                "expected": f"{program.name}.out",
            }
        )
    (folder / "manifest.json").write_text(json.dumps(entries, indent=2) + "\n")
    return [str(entry["name"]) for entry in entries]

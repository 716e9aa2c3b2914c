"""Where WebAssembly was when an exception went through it: frames on traps, a note on any exception.

The text is that of wasmtime, so that people and their tools know it.
"""

from __future__ import annotations

from vm.errors import ExitTrap, Frame, Trap
from vm.module.model import ModuleData
from vm.typed import Iterable, Sequence

SHOWN = 20
"""Innermost frames that a note shows."""

MOST = 64
"""Frames kept of one stretch of WebAssembly between two host functions."""

_NOTE = "wasm backtrace:"


def attach(error: BaseException, frames: Iterable[Frame]) -> None:
    """Say that ``error`` has left these frames, innermost first; frames of calls further in come before them.

    A program that ended itself (``ExitTrap``), and what is no error (KeyboardInterrupt), stay as they are.
    """
    if isinstance(error, ExitTrap) or not isinstance(error, Exception):
        return
    found = tuple(frames)
    if not found:
        return
    try:
        before: tuple[Frame, ...] = getattr(error, "wasm_frames", ())
        if isinstance(error, Trap):
            error.frames += found
        forget(error)
        error.wasm_frames = before + found  # type: ignore[attr-defined]  # for the next stretch outwards
        error.add_note(text(before + found))
    except AttributeError:  # exceptions that are frozen take no notes
        pass


def forget(error: BaseException) -> None:
    """Undo what ``attach`` did, but for a trap's ``frames``."""
    notes: list[str] = getattr(error, "__notes__", [])
    error.__notes__ = [note for note in notes if not note.startswith(_NOTE)]
    error.wasm_frames = ()  # type: ignore[attr-defined]


def trace_frame(module: ModuleData, index: int, offset: int | None) -> Frame:
    """The frame of function ``index`` at ``offset`` of the module's binary, when that is known."""
    inside = None
    if offset is not None:
        inside = offset - module.bodies.extents[index - module.imported_functions][0]
    names = module.names
    return Frame(index, names.functions.get(index), names.module, offset, inside)


def text(frames: Sequence[Frame]) -> str:
    """A backtrace in words, a line a frame."""
    lines = [_NOTE]
    for number, frame in enumerate(frames[:SHOWN]):
        offset = "" if frame.module_offset is None else f"{frame.module_offset:#x}"
        lines.append(f"  {number:>3}: {offset:>8} - {where(frame)}")
    if len(frames) > SHOWN:
        lines.append(f"       {others(frames, SHOWN)}")
    return "\n".join(lines)


def others(frames: Sequence[Frame], shown: int) -> str:
    """How many frames are not among those ``shown``; behind ``MOST`` of a stretch nobody has counted them."""
    return f"and {len(frames) - shown}{' or more' if len(frames) >= MOST else ' more'}"


def where(frame: Frame) -> str:
    """Module and function of a frame, as far as they have names."""
    name = frame.function_name or f"<wasm function {frame.function_index}>"
    return f"{frame.module_name or '<unknown>'}!{name}"

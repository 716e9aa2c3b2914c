"""From IR text to callable addresses: pipeline, loader and arena in one step, with what it cost."""

from __future__ import annotations

import ctypes
import marshal
import sys
import time

from vm.errors import VMError
from vm.native import cache
from vm.native.arena import Arena, Image
from vm.native.linked import Linked, finish
from vm.once import once
from vm.records import Record, field
from vm.typed import Callable, Iterable, Mapping


class Costs(Record):
    """What compiling has cost so far; CPU seconds, so that a busy machine does not count.

    ``cached`` is how many of the ``functions`` were found compiled.
    """

    seconds: float = 0.0
    code_bytes: int = 0
    functions: int = 0
    images: int = 0
    cached: int = 0


class Code(Record):
    """Machine code in place, ``size`` bytes of it: symbols by name; it stays as long as this object."""

    image: Image
    size: int
    symbols: dict[str, int] = field(default_factory=dict)
    object: bytes = b""


def build(ir: str, level: int, arena: Arena, externals: Mapping[str, int], costs: Costs) -> Code:
    """Compile IR text and put the code in ``arena``."""
    binary, spent = compile_text(ir, level)
    costs.seconds += spent
    return place(binary, arena, externals, costs)


def place(
    binary: bytes, arena: Arena, externals: Mapping[str, int], costs: Costs, *, keep: bool = False
) -> Code:
    """Put an object file's code in ``arena``; ``keep`` keeps the file, too, for its debug information."""
    started = time.thread_time()
    code = load(binary, arena, externals)
    code.object = binary if keep else b""
    costs.seconds += time.thread_time() - started
    costs.code_bytes += code.size
    costs.images += 1
    return code


def compile_text(ir: str, level: int, *, widen: bool = False) -> tuple[bytes, float]:
    """The object file of IR text (``widen`` as in ``vm.native.pipeline``), and the processor time it took."""
    from vm.runtime.room import with_room  # as what compiles: ready-made code does without

    return with_room(lambda: _timed(ir, level, widen))


def _timed(ir: str, level: int, widen: bool) -> tuple[bytes, float]:
    """The object, and the processor time that it took."""
    started = time.thread_time()
    return _emit(ir, level, widen=widen), time.thread_time() - started


def kept(
    name: str,
    ir: Callable[[], str],
    level: int,
    arena: Arena,
    externals: Mapping[str, int],
    *,
    sources: Iterable[bytes] = (),
    notice: str = "",
) -> Code:
    """The code of a text that is the same in every process, compiled once on this machine, then kept on disk
    (``vm.native.cache``) under ``name``. ``sources`` is what the text follows from, if that is quicker to get
    at than the text itself; ``notice`` is said on a terminal before anything is compiled.
    """
    key = cache.key([_FORM, *(sources or [ir().encode()])], "llvmlite")
    content = cache.load(name, key)
    if content is None:
        if notice and sys.stderr.isatty():
            print(notice, file=sys.stderr)
        from vm.native.elf import link

        linked = link(_emit(ir(), level))
        cache.store(name, key, marshal.dumps(linked.to_data()))
    else:
        linked = Linked(*marshal.loads(content))  # noqa: S302 - only ours to write, and verified
    return _finish(linked, arena, externals)


_FORM = b"linked 1"
"""What files of such code look like."""


def _emit(ir: str, level: int, *, widen: bool = False) -> bytes:
    from vm.native.pipeline import emit_object  # imports LLVM, which ready-made code does without

    return emit_object(ir, level, widen=widen)


def load(binary: bytes, arena: Arena, externals: Mapping[str, int]) -> Code:
    """Put an object file's code in ``arena``."""
    from vm.native.elf import link  # what was linked before does without

    return _finish(link(binary), arena, externals)


def _finish(linked: Linked, arena: Arena, externals: Mapping[str, int]) -> Code:
    images: list[Image] = []

    def place(size: int) -> int:
        images.append(arena.image(size))
        return images[0].address

    loaded = finish(linked, place, externals, _library_function)
    images[0].write(loaded.code)
    return Code(images[0], len(loaded.code), loaded.symbols)


_LIBRARIES = (None, "libm.so.6", "libgcc_s.so.1")
"""Where LLVM's own calls are found: the C library, mathematics, arithmetic wider than the machine's."""


@once
def _library(name: str | None) -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(name)
    except OSError:
        return None


def _library_function(name: str) -> int:
    """The address of a function that LLVM calls on its own: memmove, __udivti3, floor on old processors."""
    for library in map(_library, _LIBRARIES):
        if library is not None and hasattr(library, name):
            return ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0
    raise VMError(f"compiled code calls {name!r}, which this system's libraries do not have")

"""Machine code made before anybody runs it: a module together with the code of all its functions, as bytes.

    SHA-256 of what follows, length of the head (32 bits), head (JSON), binary, artefacts

The head says what the code was made by and for. Such bytes hold machine code, so they are as trusted as a
program: what is damaged or does not fit is refused, but who writes the code may write anything.
"""

from __future__ import annotations

import functools
import hashlib
import json
import platform
from collections.abc import Callable, Iterator, Sequence

from vm.config import Config
from vm.errors import VMError
from vm.jit.artefact import Artefact
from vm.jit.request import Request, code_knobs, sources_key
from vm.module.model import ModuleData
from vm.native import cache
from vm.records import replace
from vm.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vm.jit.compiler import Compiler
    from vm.jit.ticket import Ticket

_DIGEST = hashlib.sha256().digest_size

Progress = Callable[[int, int], None]
"""Called with how many groups are done, of how many."""


class Prepared:
    """Code for the functions of a module, made at ``level`` with these ``knobs``, in groups."""

    def __init__(self, level: int, knobs: dict[str, Any], groups: Sequence[Artefact]) -> None:
        self.level = level
        self.knobs = knobs
        self.groups = groups
        self._by_function = {index: group for group in groups for index in group.visible}

    def find(self, request: Request) -> Artefact | None:
        """The group that has what is asked for, if it was made as ``request`` wants it, or better."""
        if request.kind != "body" or request.options or request.level > self.level:
            return None
        if self.knobs != code_knobs(request.config):
            return None
        found = {id(self._by_function.get(index)) for index in request.functions}
        return self._by_function.get(request.functions[0]) if len(found) == 1 else None


def prepare(
    module: ModuleData, config: Config, level: int, compiler: Compiler | None, progress: Progress | None
) -> Prepared:
    """Compile every function, in ``compiler``'s processes or, without, in this one. All must be valid."""
    from vm.jit.compiler import compile_now  # what compiles is not needed to read what is compiled

    requests = list(_requests(module, config, level))
    tell = progress or (lambda done, of: None)
    made: list[Artefact] = []
    if compiler is None or len(requests) < 2:
        for request in requests:
            made.append(compile_now(request))
            tell(len(made), len(requests))
    else:
        tickets = [compiler.submit(request) for request in requests]
        try:
            for ticket in tickets:
                made.append(ticket.result())
                tell(len(made), len(requests))
        except BaseException:
            _take_back(tickets)
            raise
    return Prepared(level, code_knobs(config), made)


def _take_back(tickets: list[Ticket]) -> None:
    for ticket in tickets:
        ticket.cancel()


def _requests(module: ModuleData, config: Config, level: int) -> Iterator[Request]:
    """A small module whole, of a big one groups of functions that follow each other."""
    functions = range(module.imported_functions, len(module.functions))
    if not functions:
        return
    if module.bodies.code_bytes <= config.whole_module_bytes:
        entered = functions[:1] if config.tier == "llvm" else functions  # another tier may enter any of them
        yield Request(module, tuple(entered), config, level, scope="module")
        return
    group: list[int] = []
    size = 0
    for index, (start, end) in zip(functions, module.bodies.extents, strict=True):
        if group and size + end - start > config.batch_bytes:
            yield Request(module, tuple(group), config, level)
            group, size = [], 0
        group.append(index)
        size += end - start
    yield Request(module, tuple(group), config, level)


def to_bytes(module: ModuleData, prepared: Prepared) -> bytes:
    """The module and its code."""
    groups = [replace(group, seconds=0.0).to_bytes() for group in prepared.groups]
    head = {
        **_made_by(),
        "features": sorted(_features()),
        "knobs": prepared.knobs,
        "level": prepared.level,
        "validated": module.validated,
        "binary": len(module.binary),
        "groups": [len(group) for group in groups],
    }
    text = json.dumps(head).encode()
    content = b"".join([len(text).to_bytes(4, "little"), text, module.binary, *groups])
    return hashlib.sha256(content).digest() + content


def from_bytes(content: bytes, config: Config) -> tuple[bytes, bool, Prepared]:
    """The module's binary, whether all of it is known to be valid, and the code.

    VMError says what is damaged, or what the code was made for that is not so here.
    """
    body = memoryview(content)[_DIGEST:]
    if hashlib.sha256(body).digest() != content[:_DIGEST]:
        raise VMError("the serialized module is damaged: serialize it again")
    try:
        return _read(body, config)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise VMError(f"not a serialized module: {error}; use what Module.serialize gave") from None


def _read(body: memoryview, config: Config) -> tuple[bytes, bool, Prepared]:
    start = 4 + int.from_bytes(body[:4], "little")
    head = json.loads(bytes(body[4:start]))
    _compare(head, config)
    sizes = [int(size) for size in (head["binary"], *head["groups"])]
    if min(sizes) < 0 or start + sum(sizes) != len(body):
        raise ValueError("its parts end elsewhere than it does")
    parts = []
    for size in sizes:
        parts.append(bytes(body[start : start + size]))
        start += size
    groups = [Artefact.from_bytes(part) for part in parts[1:]]
    return parts[0], head["validated"] is True, Prepared(int(head["level"]), head["knobs"], groups)


def _compare(head: dict[str, Any], config: Config) -> None:
    """Refuse code that was made by another engine, or for another processor, or with other knobs."""
    for name, here in _made_by().items():
        if head[name] != here:
            raise VMError(
                f"the serialized module was made with another {name} ({head[name]}; here it is {here}): "
                "serialize it again"
            )
    lacking = sorted(set(head["features"]) - _features())
    if lacking:
        raise VMError(
            f"the serialized module is for processors with {', '.join(lacking[:5])}: serialize it again here"
        )
    for name, wanted in code_knobs(config).items():
        found = head["knobs"].get(name)
        if found != wanted:
            raise VMError(
                f"the serialized module was made with {name} = {found!r}, this engine has {wanted!r}: "
                "use such an engine, or serialize it again"
            )


def _made_by() -> dict[str, str]:
    return {
        "engine": sources_key(),
        "LLVM": cache.version("llvmlite"),
        "system": f"{platform.system()} {platform.machine()}",
    }


@functools.cache
def _features() -> frozenset[str]:
    return frozenset(cache.processor().partition(":")[2].split())

"""Where compiled code comes from: what came with the module, the cache on disk, or a compiler."""

from __future__ import annotations

from vm import digests
from vm.config import Config
from vm.errors import VMError
from vm.events import note
from vm.jit import makers
from vm.jit.artefact import Artefact
from vm.jit.objects import objects
from vm.jit.request import Request, surroundings
from vm.native.code import Costs, compile_text


def obtain(request: Request, costs: Costs) -> Artefact:
    """The code that is asked for, made in this process if there is none."""
    found = find(request)
    if found is None:
        note("started", worker=-1, **request.facts())
        found = makers.make(request)
        note("made", worker=-1, seconds=found.seconds, **request.facts())
        costs.seconds += found.seconds
        keep(request, found)
    else:
        costs.cached += len(found.functions)
    return found


def find(request: Request) -> Artefact | None:
    """The code if it is there: nothing is compiled."""
    prepared = request.module.prepared
    found = prepared.find(request) if prepared is not None else None
    if found is None:
        kept = objects(request.config)
        content = kept.load(request.key()) if kept.most else None
        found = _read(content) if content is not None else None
    if found is not None:
        note("found", **request.facts())
    return found


def _read(content: bytes) -> Artefact | None:
    try:
        return Artefact.from_bytes(content)
    except VMError:  # by another version, whose files look different
        return None


def keep(request: Request, artefact: Artefact) -> None:
    """Keep code for whoever asks next."""
    kept = objects(request.config)
    if kept.most:
        kept.store(request.key(), artefact.to_bytes())


def obtain_text(ir: str, level: int, costs: Costs) -> bytes:
    """The object file of IR text that belongs to no module, from the cache or compiled in this process."""
    kept = objects(Config())
    key = digests.digest(f"{level} {surroundings()}\n{ir}".encode()).hexdigest()[:40]
    binary = kept.load(key)
    if binary is None:
        binary, seconds = compile_text(ir, level)
        costs.seconds += seconds
        kept.store(key, binary)
    return binary


def keep_text(ir: str, level: int) -> None:
    """Have that object file in the cache, if there is one."""
    if objects(Config()).most:
        obtain_text(ir, level, Costs())

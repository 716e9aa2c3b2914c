"""A module: loaded, checked, compiled ahead of time, made into bytes and back."""

from __future__ import annotations

import os
import time

from vm.api.checks import check
from vm.api.engine import Engine
from vm.api.managed import Managed
from vm.config import KNOBS
from vm.errors import ConfigError, ValidationError, VMError
from vm.isa.types import ExternType
from vm.module.decoder import MAGIC, decode
from vm.module.model import ModuleData
from vm.module.validator import validate, validate_module
from vm.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from vm.api.types import ExportType, ImportType
    from vm.jit.ahead import Progress
    from vm.jit.compiler import Compiler

MOST_WORKERS: int = KNOBS["compile_workers"].metadata["high"]

SERIALIZED = b"wasmvm\x00"
"""What every serialized module opens with."""

_SERIALIZED = {True: SERIALIZED + b"\x01", False: SERIALIZED + b"\x02"}
"""What opens one without machine code, by whether all its bodies were checked."""


_COMPILED = SERIALIZED + b"\x03"
"""What opens one with its machine code (``vm.jit.ahead``)."""


class Module(Managed):
    """A module: decoded, its parts checked against each other.

    A binary's function bodies are checked before they first run, and then raise what they would have raised
    here (``Config.validate`` and ``Module.validate`` check them all at once). Text is checked at once.
    """

    def __init__(self, engine: Engine, wasm: bytes | bytearray | str) -> None:
        """From a binary, or from text: a str, or the bytes of one. TextError says what is malformed there."""
        self._engine = check(engine, Engine, "engine")
        content = check(wasm, (str, bytes, bytearray), "wasm")
        if not isinstance(content, str):
            content = bytes(content)
        if isinstance(content, str) or not content.startswith(MAGIC):
            self.data = _load_unusual(engine, content)
        else:
            self.data = _load(engine, content, lazy=engine.config.validate == "lazy")

    @classmethod
    def _of(cls, engine: Engine, data: ModuleData) -> Module:
        self = cls.__new__(cls)
        self._engine, self.data = engine, data
        return self

    @classmethod
    def from_file(cls, engine: Engine, path: str | bytes | os.PathLike[str]) -> Module:
        """Read and load a file, binary or text."""
        return cls(engine, _read(path))

    @classmethod
    def validate(cls, engine: Engine, wasm: bytes | bytearray) -> None:
        """Check a binary, all bodies included; DecodeError or ValidationError says what is wrong with it."""
        _load(check(engine, Engine, "engine"), bytes(check(wasm, (bytes, bytearray), "wasm")), lazy=False)

    def compile_all(
        self,
        *,
        tier: str = "llvm",
        level: int | None = None,
        workers: int | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Check and compile every function now, in parallel: nothing is compiled when it is first called.

        ``level`` is how hard LLVM tries (None: as ``Config.opt_level`` says), ``workers`` how many processes
        do it (None: as many as there are processors; 0: this one), ``progress(done, of)`` is told of it.
        Tiers other than "llvm" make their code faster than it could be kept, and are refused.
        """
        if tier != "llvm":
            raise ConfigError("tier", f"code is made ahead of time for llvm only, got {tier!r}")
        if workers is not None and not 0 <= workers <= MOST_WORKERS:
            raise ConfigError("workers", f"expected 0 to {MOST_WORKERS}, got {workers}")
        from vm.jit import ahead

        config = self._engine.config
        level = config.opt_level if level is None else config.with_(opt_level=level).opt_level
        _check_bodies(self._engine, self.data)
        compiler = None if workers == 0 else _compiler(workers)
        try:
            self.data.prepared = ahead.prepare(self.data, config, level, compiler, progress)
        finally:
            if compiler is not None:
                compiler.close()

    def serialize(self) -> bytearray:
        """Bytes that ``deserialize`` makes this module of without checking anything again.

        After ``compile_all`` they hold its machine code, too, for engines like this one on machines like
        this; before, the module itself, which any version of this engine that knows their form reads.
        """
        if self.data.prepared is not None:
            from vm.jit import ahead

            return bytearray(_COMPILED + ahead.to_bytes(self.data, self.data.prepared))
        return bytearray(_SERIALIZED[self.data.validated] + self.data.binary)

    @classmethod
    def deserialize(cls, engine: Engine, encoded: bytes | bytearray) -> Module:
        """The module of ``serialize``'s bytes; VMError for any others, and for machine code that was made by
        another version, for another processor, or with other knobs. Give it only bytes that you trust: what
        is machine code runs.
        """
        check(engine, Engine, "engine")
        content = bytes(check(encoded, (bytes, bytearray), "encoded"))
        if content.startswith(_COMPILED):
            from vm.jit import ahead

            binary, validated, prepared = ahead.from_bytes(content[len(_COMPILED) :], engine.config)
            self = cls._of(engine, _load(engine, binary, lazy=True))
            self.data.validated, self.data.prepared = validated, prepared
            return self
        for validated, head in _SERIALIZED.items():
            if content.startswith(head):
                self = cls._of(engine, _load(engine, content[len(head) :], lazy=True))
                self.data.validated = validated
                return self
        raise VMError("not a serialized module: use what Module.serialize gave")

    @classmethod
    def deserialize_file(cls, engine: Engine, path: str | bytes | os.PathLike[str]) -> Module:
        """As ``deserialize``, from a file."""
        return cls.deserialize(engine, _read(path))

    def profile(self) -> bytes:
        """What ran how often so far, in all instances: a file for the knob ``profile`` of later engines.

        For engines with the knob ``profile_make``.
        """
        if not self._engine.config.profile_make:
            raise ConfigError(
                "profile_make", "its code does not count: set the knob before making the engine"
            )
        from vm.tiers.llvm.tier import LLVMTier

        tier = self._engine.tier
        assert isinstance(tier, LLVMTier)  # no other takes the knob
        return tier.counts(self.data).to_bytes()

    @property
    def imports(self) -> list[ImportType]:
        """What it needs."""
        from vm.api.types import ImportType

        return [ImportType(entry.module, entry.name, entry.type) for entry in self.data.imports]

    @property
    def exports(self) -> list[ExportType]:
        """What it offers."""
        from vm.api.types import ExportType

        return [
            ExportType(entry.name, _type_of(self.data, entry.kind, entry.index))
            for entry in self.data.exports
        ]


def _load(engine: Engine, binary: bytes, *, lazy: bool) -> ModuleData:
    started = time.thread_time()
    module = decode(binary, lazy=lazy)
    if lazy:
        validate_module(module)
    else:
        _check_bodies(engine, module)
    if engine.config.profile:
        from vm.jit import counts

        module.counts = counts.load(engine.config.profile, module)
    engine.module_seconds += time.thread_time() - started
    return module


def _check_bodies(engine: Engine, module: ModuleData) -> None:
    from vm.native.validation import kernel

    native = engine.config.tier != "reference"  # which is for where native code is forbidden
    validate(module, kernel(module.bodies.code_bytes) if native else None)


def _compiler(workers: int | None) -> Compiler:
    """One with so many processes; None: as many as there are processors."""
    from vm.jit.compiler import Compiler, usable_processors

    return Compiler(usable_processors() if workers is None else workers)


def _load_unusual(engine: Engine, text: str | bytes) -> ModuleData:
    """From text, checked at once, or from what is neither. Notes on what is invalid say where: its offset is
    that of a binary nobody has seen.
    """
    from vm.text import is_text, locate, wat2wasm

    if isinstance(text, bytes) and not is_text(text):
        return _load(engine, text, lazy=False)  # which says what is wrong with it
    try:
        return _load(engine, wat2wasm(text), lazy=False)
    except ValidationError as error:
        where = locate(text, error.offset)
        if where is not None:
            error.add_note(f"line {where.line}, column {where.column} of the text: {where.source.strip()}")
        raise


def _type_of(module: ModuleData, kind: str, index: int) -> ExternType:
    match kind:
        case "func":
            return module.types[module.functions[index]]
        case "table":
            return module.tables[index]
        case "memory":
            return module.memories[index]
        case "tag":
            return module.tags[index]
        case _:
            return module.globals[index]


def _read(path: str | bytes | os.PathLike[str]) -> bytes:
    with open(os.fsdecode(path), "rb") as file:
        return file.read()

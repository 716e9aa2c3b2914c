"""Runs a script's commands on one configuration of the engine and says how each went."""

from __future__ import annotations

import enum
import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vm import tiers
from vm.config import Config
from vm.errors import DecodeError, LinkError, TextError, Trap, ValidationError
from vm.isa.types import FUNCREF, FuncType, GlobalType, Limits, MemoryType, TableType, ValType
from vm.module.decoder import decode
from vm.module.model import ModuleData
from vm.module.validator import validate, validate_module
from vm.runtime.exceptions import Exn
from vm.runtime.functions import Function
from vm.runtime.globals import Global
from vm.runtime.instance import Extern, Instance
from vm.runtime.instantiate import instantiate
from vm.runtime.store import Store
from vm.text import lexer, wat2wasm
from vm.wast.script import Action, Command, ModuleSource, parse_script
from vm.wast.values import References, argument, matches

BOUNDARY = frozenset(
    {
        "unexpected end",
        "unexpected end of section or function",
        "section size mismatch",
        "length out of bounds",
        "END opcode expected",
    }
)
"""Wordings for one fault, something cut short or too long: which one is seen first depends on how a
decoder walks, and the suite has the reference interpreter's order. They count as equal."""


class Status(enum.Enum):
    """How a command went."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    """The judge does not know this command."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one command."""

    line: int
    kind: str
    status: Status
    detail: str = ""


class Mismatch(Exception):
    """A command did not do what the script says."""


class Judge:
    """One script's world: a store on one tier, its instances, and the names they are registered under."""

    def __init__(self, config: Config) -> None:
        self.store = Store(tiers.load(config.tier)(config), config)
        self.references = References(self.store)
        self.registered: dict[str, dict[str, Extern]] = {"spectest": _spectest(self.store)}
        self.instances: dict[str | None, Instance] = {}
        self.definitions: dict[str | None, ModuleData] = {}

    def run(self, command: Command) -> Outcome:
        """Do what ``command`` says. Errors of the engine that are no ``VMError`` are failures, too."""
        handler = getattr(self, f"_do_{command.kind}", None)
        if handler is None:
            return Outcome(command.line, command.kind, Status.SKIPPED, "this engine does not have it")
        try:
            handler(command)
        except Exception as error:
            detail = str(error) if isinstance(error, Mismatch) else f"{type(error).__name__}: {error}"
            return Outcome(command.line, command.kind, Status.FAILED, detail)
        return Outcome(command.line, command.kind, Status.PASSED)

    # definitions

    def _do_module(self, command: Command) -> None:
        assert command.module is not None
        self.instances.pop(None, None)  # a failing module must not leave its predecessor in its place
        self._keep(command.module.name, self._instantiate(self._load(command.module)))

    def _do_module_definition(self, command: Command) -> None:
        assert command.module is not None
        module = self._load(command.module)
        self.definitions[command.module.name] = self.definitions[None] = module

    def _do_module_instance(self, command: Command) -> None:
        name, definition = command.names
        self._keep(name, self._instantiate(self.definitions[definition]))

    def _do_register(self, command: Command) -> None:
        alias, name = command.names
        assert alias is not None
        self.registered[alias] = self._instance(name).exports()

    def _do_action(self, command: Command) -> None:
        assert command.action is not None
        self._act(command.action)

    # assertions

    def _do_assert_return(self, command: Command) -> None:
        assert command.action is not None
        found = self._act(command.action)
        expected = command.expected
        if len(found) != len(expected) or not all(
            matches(want, bits, self.references) for want, bits in zip(expected, found, strict=True)
        ):
            wanted = " ".join(" ".join(map(str, want.items)) for want in expected)
            raise Mismatch(f"expected [{wanted}], got [{' '.join(map(hex, found))}]")

    def _do_assert_trap(self, command: Command) -> None:
        try:
            if command.module is not None:
                self._instantiate(_checked(_encode(command.module)))
            elif command.action is not None:
                self._act(command.action)
        except Trap as trap:
            _same_message(command.message, trap.message)
            return
        raise Mismatch(f"expected a trap: {command.message}")

    _do_assert_exhaustion = _do_assert_trap

    def _do_assert_exception(self, command: Command) -> None:
        assert command.action is not None
        try:
            self._act(command.action)
        except Exn:
            return
        raise Mismatch("expected an exception")

    def _do_assert_invalid(self, command: Command) -> None:
        assert command.module is not None
        try:
            _checked(_encode(command.module))
        except ValidationError as error:
            _same_message(command.message, error.message)
            return
        raise Mismatch(f"expected to be invalid: {command.message}")

    def _do_assert_malformed(self, command: Command) -> None:
        assert command.module is not None
        try:
            _checked(_encode(command.module))
        except (DecodeError, TextError) as error:
            _same_message(command.message, error.message)
            return
        raise Mismatch(f"expected to be malformed: {command.message}")

    _do_assert_malformed_custom = _do_assert_invalid_custom = _do_assert_malformed  # faults of annotations

    def _do_assert_unlinkable(self, command: Command) -> None:
        assert command.module is not None
        module = _checked(_encode(command.module))
        try:
            self._instantiate(module)
        except LinkError as error:
            _same_message(command.message, str(error))
            return
        raise Mismatch(f"expected not to link: {command.message}")

    # parts

    def _load(self, source: ModuleSource) -> ModuleData:
        """A module that should be valid, checked as the configuration says."""
        if self.store.config.validate == "eager":
            return _checked(_encode(source))
        module = decode(_encode(source), lazy=True)
        validate_module(module)
        return module

    def _instantiate(self, module: ModuleData) -> Instance:
        imports = []
        for wanted in module.imports:
            given = self.registered.get(wanted.module, {}).get(wanted.name)
            if given is None:
                raise LinkError(f"unknown import: {wanted.module}.{wanted.name}")
            imports.append(given)
        return instantiate(self.store, module, imports)

    def _keep(self, name: str | None, instance: Instance) -> None:
        self.instances[None] = instance
        if name is not None:
            self.instances[name] = instance

    def _instance(self, name: str | None) -> Instance:
        if name not in self.instances:
            raise Mismatch(f"no instance {name or ''}: its module failed")
        return self.instances[name]

    def _act(self, action: Action) -> Sequence[int]:
        target = self._instance(action.module).export(action.export)
        if action.kind == "get":
            if not isinstance(target, Global):
                raise Mismatch(f"no global {action.export!r}")
            return [target.value]
        if not isinstance(target, Function):
            raise Mismatch(f"no function {action.export!r}")
        return self.store.call(target, [argument(arg, self.references) for arg in action.args])


def run_script(text: bytes, config: Config) -> Iterator[Outcome]:
    """Run a script's commands in order, in a store of their own. Raises TextError where it is no script."""
    judge = Judge(config)
    for command in parse_script(lexer.decode(text)):
        yield judge.run(command)


def _same_message(expected: str, found: str) -> None:
    """Raise unless one wording opens the other, or both say that something has the wrong size."""
    if found.startswith(expected) or re.sub(r" \d+$", "", expected) == found:
        return
    if expected in BOUNDARY and found in BOUNDARY:
        return
    if re.sub(r": (instruction|block) requires .*", "", expected) == found:  # an interpreter's own details
        return
    raise Mismatch(f"expected {expected!r}, got {found!r}")


def _encode(source: ModuleSource) -> bytes:
    """The binary of a module, whichever way the script gives it."""
    return source.binary if source.form == "binary" else _binary(source.text)


@functools.lru_cache(maxsize=4096)
def _binary(text: str) -> bytes:
    return wat2wasm(text.encode("utf-8", "surrogateescape"))


def _checked(binary: bytes) -> ModuleData:
    module = decode(binary)
    validate(module)
    return module


def _spectest(store: Store) -> dict[str, Extern]:
    """The module every script may import (specification repository, ``interpreter/host/spectest.ml``)."""
    i32, i64, f32, f64 = ValType.I32, ValType.I64, ValType.F32, ValType.F64
    prints = {
        "print": (),
        "print_i32": (i32,),
        "print_i64": (i64,),
        "print_f32": (f32,),
        "print_f64": (f64,),
        "print_i32_f32": (i32, f32),
        "print_f64_f64": (f64, f64),
    }
    values = {
        "global_i32": (i32, 666),
        "global_i64": (i64, 666),
        "global_f32": (f32, 0x4426_A666),  # 666.6
        "global_f64": (f64, 0x4084_D4CC_CCCC_CCCD),
    }
    exports: dict[str, Extern] = {
        name: store.host_function(FuncType(params), lambda args: []) for name, params in prints.items()
    }
    for name, (kind, bits) in values.items():
        exports[name] = store.global_(GlobalType(kind, False), bits)
    exports["table"] = store.table(TableType(FUNCREF, Limits(10, 20)))
    exports["table64"] = store.table(TableType(FUNCREF, Limits(10, 20, ValType.I64)))
    exports["memory"] = store.memory(MemoryType(Limits(1, 2)))
    exports["shared_memory"] = store.memory(MemoryType(Limits(1, 2), shared=True))
    return exports

"""Linker: what modules import, by name."""

from __future__ import annotations

from vm.api import standins
from vm.api.caller import Caller, Storelike, runtime_of
from vm.api.checks import check
from vm.api.engine import Engine, Store
from vm.api.externs import EXTERNS, AnyExtern
from vm.api.func import Func
from vm.api.instance import Instance
from vm.api.managed import Managed
from vm.api.module import Module
from vm.api.types import FuncType, ImportType
from vm.errors import LinkError, VMError
from vm.memory.linear import LinearMemory
from vm.runtime import functions as runtime_functions
from vm.runtime import instance as runtime_instance
from vm.typed import TYPE_CHECKING, Any, Callable, Sequence

if TYPE_CHECKING:
    from vm.wasi.registry import HostFunction

Definition = AnyExtern | Callable[[Storelike], Func]
"""What a name stands for: an object of a store, or how to make a function in whichever store instantiates."""


class InstancePre(Managed):
    """A module with everything it imports looked up, ready to be instantiated again and again."""

    def __init__(self, module: Module, definitions: Sequence[Definition]) -> None:
        self.module = module
        self._definitions = definitions

    def instantiate(self, store: Storelike) -> Instance:
        """A new instance in ``store``."""
        found = [item if isinstance(item, EXTERNS) else item(store) for item in self._definitions]
        return Instance(store, self.module, found)


class Linker(Managed):
    """Names for imports; ``instantiate`` looks each of a module's imports up."""

    def __init__(self, engine: Engine) -> None:
        self.engine: Engine = check(engine, Engine, "engine")
        self._definitions: dict[tuple[str, str], Definition] = {}
        self.allow_shadowing = False

    def define(self, store: Storelike, module: str, name: str, item: AnyExtern) -> None:
        """Let ``module.name`` be ``item``."""
        runtime_of(store)
        self._set(module, name, check(item, EXTERNS, "item"))

    def define_func(
        self, module: str, name: str, ty: FuncType, func: Callable[..., Any], access_caller: bool = False
    ) -> None:
        """Let ``module.name`` be a host function, in any store."""
        check(ty, FuncType, "ty")
        self._set(module, name, lambda store: Func(store, ty, func, access_caller))

    def define_instance(self, store: Storelike, name: str, instance: Instance) -> None:
        """Define all exports of ``instance`` under the module name ``name``."""
        for export, item in check(instance, Instance, "instance").exports(store).items():
            self._set(name, export, item)

    def define_module(self, store: Storelike, name: str, module: Module) -> None:
        """Instantiate ``module``, run a reactor's ``_initialize``, and define its exports under ``name``."""
        instance = self.instantiate(store, module)
        initialize = instance.exports(store).get("_initialize")
        if isinstance(initialize, Func):
            initialize(store)
        self.define_instance(store, name, instance)

    def define_wasi(self) -> None:
        """Define WASI preview 1; what a program is given comes from its store (``Store.set_wasi``)."""
        from vm.wasi import MODULE
        from vm.wasi.registry import FUNCTIONS

        for _, body in FUNCTIONS:
            name = body.__name__
            make = _wasi_definition(name)
            self._set(MODULE, name, make)

    def instantiate(self, store: Storelike, module: Module) -> Instance:
        """A new instance. LinkError lists every import without a definition, with names that come near."""
        return self.instantiate_pre(module).instantiate(store)

    def instantiate_pre(self, module: Module) -> InstancePre:
        """Look all imports up now, to make instances later; LinkError as from ``instantiate``."""
        check(module, Module, "module")
        missing = tuple(dict.fromkeys((entry.module, entry.name) for entry in self._unknown(module)))
        if missing:
            raise LinkError("; ".join(self._describe_missing(*key) for key in missing), missing)
        definitions = [self._definitions[entry.module, entry.name] for entry in module.imports]
        return InstancePre(module, definitions)

    def define_unknown_imports_as_traps(self, module: Module) -> None:
        """Let each function that ``module`` imports, and nobody has defined, trap when it is called."""
        for entry in self._unknown(module):
            if isinstance(entry.type, FuncType):
                self._set(entry.module, entry.name, _trapping(entry))

    def define_unknown_imports_as_default_values(self, store: Storelike, module: Module) -> None:
        """Let what ``module`` imports, and nobody has defined, be zero, null and empty.

        Functions return such values. VMError for a type that has no default.
        """
        for entry in self._unknown(module):
            self._set(entry.module, entry.name, standins.default(store, entry))

    def _unknown(self, module: Module) -> list[ImportType]:
        """The imports without a definition, each once."""
        found = {(entry.module, entry.name): entry for entry in check(module, Module, "module").imports}
        return [entry for key, entry in found.items() if key not in self._definitions]

    def get(self, store: Storelike, module: str, name: str) -> AnyExtern:
        """What ``module.name`` stands for; VMError when it is not defined."""
        if (module, name) not in self._definitions:
            raise VMError(f"not defined in the linker: {self._describe_missing(module, name)}")
        return self._get(store, module, name)

    def get_default(self, store: Storelike, name: str) -> Func:
        """The function to call to run module ``name``: its export "" or ``_start``; without one, there is
        nothing to run, and the function does nothing.
        """
        for export in ("", "_start"):
            if (name, export) in self._definitions:
                found: Func = check(self._get(store, name, export), Func, f"{name}.{export}")
                return found
        return Func(store, FuncType([], []), lambda: None)

    def _set(self, module: str, name: str, definition: Definition) -> None:
        check(module, str, "module")
        check(name, str, "name")
        if not self.allow_shadowing and (module, name) in self._definitions:
            raise VMError(f"import of `{module}::{name}` defined twice")
        self._definitions[module, name] = definition

    def _get(self, store: Storelike, module: str, name: str) -> AnyExtern:
        found = self._definitions[module, name]
        return found if isinstance(found, EXTERNS) else found(store)

    def _describe_missing(self, module: str, name: str) -> str:
        import difflib  # for an error

        known = [f"{m}::{n}" for m, n in self._definitions]
        near = difflib.get_close_matches(f"{module}::{name}", known, n=2, cutoff=0.75)
        hint = f" (did you mean {' or '.join(near)}?)" if near else ""
        return f"unknown import: `{module}::{name}` has not been defined{hint}"


def _trapping(wanted: ImportType) -> Callable[[Storelike], Func]:
    return lambda store: standins.trapping(store, wanted)


def _wasi_definition(name: str) -> Callable[[Storelike], Func]:
    def make(store: Storelike) -> Func:
        owner: Store = store.store if isinstance(store, Caller) else store
        type, function = owner.wasi[name]
        raw = runtime_of(store).host_function(
            type,
            _wasi_callable(function, None, bool(type.results)),
            lambda instance: _wasi_callable(function, instance, bool(type.results)),
        )
        return Func.of(raw)

    return make


def _wasi_callable(
    function: HostFunction, instance: runtime_instance.Instance | None, returns: bool
) -> runtime_functions.HostCallable:
    """The host callable: it works on the exported "memory" of the instance that imported it."""
    memory: LinearMemory | None = None

    def host(args: Sequence[int]) -> Sequence[int]:
        nonlocal memory
        if memory is None and instance is not None:
            found = instance.export("memory")
            memory = found if isinstance(found, LinearMemory) else None
        errno = function(memoryview(b"") if memory is None else memory.view, *args)
        return (errno,) if returns else ()

    return host

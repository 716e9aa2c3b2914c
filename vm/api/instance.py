"""Instance: a module put to work."""

from __future__ import annotations

from vm.api.caller import Storelike, runtime_of
from vm.api.checks import check
from vm.api.module import Module
from vm.api.wrapping import wrap
from vm.runtime import instance as runtime_instance
from vm.runtime.instantiate import instantiate
from vm.typed import TYPE_CHECKING, Iterator, Mapping, Sequence

if TYPE_CHECKING:
    from vm.api.externs import AnyExtern


class Instance:
    """A module in a store, with its imports filled in."""

    def __init__(self, store: Storelike, module: Module, imports: Sequence[AnyExtern]) -> None:
        runtime = runtime_of(store)
        check(module, Module, "module")
        self.raw = instantiate(runtime, module.data, _raws(imports) if imports else ())
        self._exports: InstanceExports | None = None

    def exports(self, store: Storelike) -> InstanceExports:
        """The exports by name."""
        runtime_of(store)
        if self._exports is None:
            self._exports = InstanceExports(self.raw)
        return self._exports


def _raws(imports: Sequence[AnyExtern]) -> list[runtime_instance.Extern]:
    from vm.api.externs import EXTERNS

    return [check(extern, EXTERNS, f"imports[{i}]").raw for i, extern in enumerate(imports)]


class InstanceExports(Mapping[str, "AnyExtern"]):
    """An instance's exports, in the module's order."""

    def __init__(self, raw: runtime_instance.Instance) -> None:
        self._by_name = {name: wrap(extern) for name, extern in raw.exports().items()}

    @property
    def by_index(self) -> Sequence[AnyExtern]:
        """The exports in order."""
        return tuple(self._by_name.values())

    def __getitem__(self, name: str) -> AnyExtern:
        return self._by_name[name]

    def __len__(self) -> int:
        return len(self._by_name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

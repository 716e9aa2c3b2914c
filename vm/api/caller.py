"""Which store is meant: a ``Store``, or the ``Caller`` that a host function gets."""

from __future__ import annotations

from vm.api.checks import check
from vm.api.engine import Store
from vm.errors import VMError
from vm.runtime import store as runtime_store
from vm.runtime.instance import Extern as RuntimeExtern
from vm.runtime.instance import Instance as RuntimeInstance
from vm.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from vm.api.externs import AnyExtern


class Caller:
    """What a host function with ``access_caller`` gets first: the exports of the importing instance."""

    def __init__(self, store: Store, instance: RuntimeInstance | None) -> None:
        self.store = store
        self._instance = instance

    @property
    def runtime(self) -> runtime_store.Store:
        """The store's inside; a Caller can stand wherever a Store can."""
        return self.store.runtime

    def data(self) -> object:
        """What the store was made with."""
        return self.store.data()

    def get(self, name: str) -> AnyExtern | None:
        """The caller's export ``name``, or None."""
        from vm.api.wrapping import wrap  # what is exported may be a function, and functions get callers

        found = None if self._instance is None else self._instance.export(check(name, str, "name"))
        return None if found is None else wrap(found)

    def __getitem__(self, name: str) -> AnyExtern:
        found = self.get(name)
        if found is None:
            raise KeyError(f"failed to find export {name}")
        return found


Storelike = Store | Caller
"""What says which store is meant."""


def runtime_of(store: Storelike) -> runtime_store.Store:
    """The inside of a store or caller; TypeError for anything else."""
    runtime: runtime_store.Store = check(store, (Store, Caller), "store").runtime
    return runtime


def inside(store: Storelike, raw: RuntimeExtern) -> runtime_store.Store:
    """As ``runtime_of``, for the store that ``raw`` belongs to; VMError for another one."""
    runtime = runtime_of(store)
    if raw.owner is not runtime:
        raise VMError("object used with the wrong store: use the one it was made in")
    return runtime

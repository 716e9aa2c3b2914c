"""Helpers for tests that run modules on a tier, below the API: bit patterns in, bit patterns out."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import wasmtime

from vm import tiers
from vm.config import Config
from vm.module.decoder import decode
from vm.module.model import ModuleData
from vm.module.validator import validate
from vm.runtime.functions import Function
from vm.runtime.instance import Extern, Instance
from vm.runtime.instantiate import instantiate
from vm.runtime.store import Store
from vm.text import wat2wasm


@functools.lru_cache(maxsize=256)
def binary(wat: str) -> bytes:
    """A module from its text."""
    return bytes(wasmtime.wat2wasm(wat))


def module(wat: str) -> ModuleData:
    """A decoded and validated module from its text."""
    data = decode(binary(wat))
    validate(data)
    return data


def module_of_ours(wat: str) -> ModuleData:
    """As ``module``, read by this engine's own text reader."""
    data = decode(wat2wasm(wat))
    validate(data)
    return data


def store(tier: str, **knobs: object) -> Store:
    """A store on a tier."""
    config = Config(tier=tier).with_(**knobs)
    return Store(tiers.load(tier)(config), config)


def instance(store: Store, wat: str, imports: Sequence[Extern] = ()) -> Instance:
    """An instance of a module given as text."""
    return instantiate(store, module(wat), imports)


def function(instance: Instance, name: str) -> Function:
    """An exported function."""
    found = instance.export(name)
    assert isinstance(found, Function)
    return found


def call(instance: Instance, name: str, *args: int) -> list[int]:
    """Call an exported function."""
    return list(instance.store.call(function(instance, name), list(args)))

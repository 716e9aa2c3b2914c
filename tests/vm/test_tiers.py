from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import vm.tiers
from vm.config import Config
from vm.errors import ConfigError


def test_the_registry_lists_the_folders_of_tiers() -> None:
    folders = {path.parent.name for path in Path(vm.tiers.__file__).parent.glob("*/__init__.py")}
    assert set(vm.tiers.TIERS) == folders


@pytest.mark.parametrize("name", vm.tiers.TIERS)
def test_a_tier_knows_its_name_and_counts_from_nothing(name: str) -> None:
    tier = vm.tiers.load(name)(Config(tier=name))
    assert tier.name == name
    assert {"compile_seconds", "code_bytes"} <= set(tier.stats())
    assert set(tier.stats().values()) == {0}


def test_an_unknown_tier_is_named_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match="no tier called 'fast'; there are: reference, threaded, base"):
        vm.tiers.load("fast")


def test_start_up_loads_no_compiler() -> None:
    code = "import sys, vm.api; print({'llvmlite', 'numpy', 'numba'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"

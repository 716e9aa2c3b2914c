"""``vm/README.md``: its map names what is there, and its recipes work when followed to the letter."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.vm import binary as b

README = "vm/README.md"

PROGRAM = """
import json, sys
from vm import tiers
from vm.config import Config
from vm.module.decoder import decode
from vm.module.validator import validate
from vm.runtime.instantiate import instantiate
from vm.runtime.store import Store

module = decode(bytes.fromhex(sys.argv[1]))
validate(module)
answers = {}
for name in tiers.TIERS:
    config = Config(tier=name)
    tier = tiers.load(name)(config)
    instance = instantiate(Store(tier, config), module, [])
    answers[name] = [instance.store.call(instance.functions[0], [6, 3]), tier.stats().get("entered")]
print(json.dumps(answers))
"""


def test_the_map_names_only_what_exists(root: Path) -> None:
    paths = re.findall(r"`((?:[a-z_]+/)*[a-z_]+(?:\.py|\.toml|/))`", (root / README).read_text())
    missing = [path for path in paths if not (root / "vm" / path).exists() and not (root / path).exists()]
    assert len(paths) > 20
    assert missing == []


def test_the_map_names_every_layer(root: Path) -> None:
    text = (root / README).read_text()
    layers = {f"{path.parent.name}/" for path in (root / "vm").glob("*/__init__.py")}
    assert [layer for layer in sorted(layers) if f"`{layer}`" not in text] == []


@pytest.mark.parametrize("layer", ["module", "text"])
def test_the_map_names_every_file_of_the_layers_that_it_opens(root: Path, layer: str) -> None:
    text = (root / README).read_text()
    files = [path.name for path in (root / "vm" / layer).glob("*.py") if path.name != "__init__.py"]
    assert [name for name in files if f"`{layer}/{name}`" not in text] == []


@pytest.fixture
def followed(root: Path, tmp_path: Path) -> Path:
    """A copy of the engine to which both recipes were applied."""
    shutil.copytree(root / "vm", tmp_path / "vm", ignore=shutil.ignore_patterns("__pycache__"))
    blocks = re.findall(
        r"^   ```python\n(.*?)^   ```$", (root / README).read_text(), re.DOTALL | re.MULTILINE
    )
    assert len(blocks) == 5
    for block in blocks:
        _apply(tmp_path, textwrap.dedent(block))
    return tmp_path


def _apply(folder: Path, block: str) -> None:
    """Do what a block's first line says: put the rest behind a line of a file, or into a new one."""
    place, content = block.split("\n", 1)
    if place.startswith("# new file: "):
        path = folder / place.removeprefix("# new file: ")
        path.parent.mkdir(parents=True)
        path.write_text(content)
        return
    name, anchor = place.removeprefix("# ").split(", behind: ", 1)
    path = folder / name
    before, found, after = path.read_text().partition(f"{anchor}\n")
    assert found, f"{name} has no line {anchor!r}"
    path.write_text(before + found + content + after)


def test_the_recipes_give_an_opcode_and_a_tier_that_work(followed: Path) -> None:
    """The new instruction runs on every tier, the new tier included."""
    two_in_one_out = b"\x60\2\x7f\x7f\1\x7f"
    module = b.function(b"\x20\0\x20\1\xfc\xf0\1\x0b", two_in_one_out)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, module.hex()],
        cwd=followed,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    nand = ~(6 & 3) & 0xFFFF_FFFF
    assert answers["counting"] == [[nand], 1.0]
    assert [result for result, _ in answers.values()] == [[nand]] * len(answers)
    assert len(answers) >= 3

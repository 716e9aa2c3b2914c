"""The house rules about who may import whom, checked on the source itself.

Data flows one way; each tree is a list of layers and imports only point up that list (``vm/README.md``,
``regress/README.md``).
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

VM_LAYERS = (
    "finding",
    "typed",
    "primitives",
    "enums",
    "digests",
    "records",
    "once",
    "importing",
    "errors",
    "events",
    "config",
    "isa",
    "module",
    "text",
    "memory",
    "gc",
    "runtime",
    "native",
    "jit",
    "tiers",
    "executor",
    "profiling",
    "wast",
    "wasi",
    "api",
    "cli",
    "__main__",
)

REGRESS_LAYERS = (
    "errors",
    "words",
    "foreign",
    "holding",
    "domain",
    "measurements",
    "precision",
    "metrics",
    "config",
    "ingest",
    "store",
    "detect",
    "runner",
    "bisect",
    "service",
    "cli",
    "plugins",
    "__main__",
)


def sources(package: str) -> list[Path]:
    """Every Python file of a package."""
    return sorted((ROOT / package).rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Each imported module of a file, with its line; imports for type checking only are left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            yield node.lineno, node.module or ""
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def offences(package: str, forbidden: tuple[str, ...], but: tuple[str, ...] = ()) -> list[str]:
    """Where files of ``package`` import something forbidden, files under ``but`` excepted."""
    return [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in sources(package)
        if not any(path.is_relative_to(ROOT / exempt) for exempt in but)
        for line, name in imports(path)
        if any(name == word or name.startswith(word + ".") for word in forbidden)
    ]


def test_the_platform_does_not_know_the_vm() -> None:
    """``regress`` runs commands and reads result files: it works for any repository."""
    assert offences("regress", ("vm", "benchmarks")) == []


def test_only_the_command_line_starts_the_web() -> None:
    assert offences("regress", ("web",), but=("regress/cli",)) == []


def test_the_vm_knows_nobody() -> None:
    assert offences("vm", ("regress", "web", "benchmarks")) == []


def test_web_sees_only_the_service_and_the_domain() -> None:
    allowed = (
        "regress.service",
        "regress.domain",
        "regress.words",
        "regress.errors",
        "regress.config",
        "regress.__version__",
    )
    seen = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in sources("web")
        for line, name in imports(path)
        if name.startswith("regress.") and not name.startswith(allowed)
    ]
    assert seen == []
    assert offences("web", ("vm", "benchmarks", "sqlalchemy")) == []


def test_records_are_imported_from_the_domain_not_from_its_files() -> None:
    families = tuple(
        f"regress.domain.{path.stem}" for path in sources("regress/domain") if path.stem != "__init__"
    )
    assert offences("regress", families, but=("regress/domain",)) == []
    assert offences("web", families) == []


def test_every_record_of_the_domain_can_be_imported_from_it() -> None:
    import regress.domain

    defined = {
        node.name
        for path in sources("regress/domain")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    }
    assert defined <= set(regress.domain.__all__)


def test_migrations_follow_each_other_one_by_one() -> None:
    """Two that were made side by side would leave every database where it is."""
    files = sorted((ROOT / "regress/store/migrations/versions").glob("0*.py"))
    found = [
        re.findall(r'^(?:down_)?revision = "?(\w+)"?$', path.read_text(), re.MULTILINE) for path in files
    ]
    numbers = [path.name[:4] for path in files]
    assert found == [list(pair) for pair in zip(numbers, ["None", *numbers], strict=False)]


def test_sqlalchemy_stays_in_the_store() -> None:
    assert offences("regress", ("sqlalchemy", "alembic"), but=("regress/store",)) == []


def test_fastapi_stays_in_web() -> None:
    assert offences("regress", ("fastapi", "starlette")) == []


@pytest.mark.parametrize(("package", "layers"), [("vm", VM_LAYERS), ("regress", REGRESS_LAYERS)])
def test_imports_point_up_the_list_of_layers(package: str, layers: tuple[str, ...]) -> None:
    rank = {layer: index for index, layer in enumerate(layers)}
    wrong = []
    for path in sources(package):
        own = path.relative_to(ROOT / package).parts[0].removesuffix(".py")
        if own == "__init__":
            continue
        assert own in rank, f"{path} is in no layer of {package}: name its place in the list"
        for line, name in imports(path):
            parts = name.split(".")
            if parts[0] == package and len(parts) > 1 and rank.get(parts[1], -1) > rank[own]:
                wrong.append(f"{path.relative_to(ROOT)}:{line}: {own} imports {name}")
    assert wrong == []


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("vm", {"numpy", "numba", "llvmlite"}),
        ("vm.api", {"numpy", "numba", "llvmlite"}),
        ("vm.cli", {"numpy", "numba", "llvmlite", "typer", "rich"}),
        ("regress.cli", {"numpy", "sqlalchemy", "fastapi", "git"}),
    ],
)
def test_start_up_stays_light(module: str, unwanted: set[str]) -> None:
    """Start-up is a feature: what a command does not need is not imported."""
    code = f"import sys, {module}; print(*sorted(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert unwanted & set(loaded) == set()

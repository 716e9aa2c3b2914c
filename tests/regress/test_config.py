"""The configuration: defaults, files, and errors that name key, expectation and remedy."""

from __future__ import annotations

import dataclasses
import inspect
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regress.config import Config, DetectionConfig, ProjectConfig, SuiteConfig, load, parse
from regress.config.sections import LISTS, SECTIONS
from regress.config.writing import write_default
from regress.errors import ConfigError


def test_without_a_file_everything_has_a_default(tmp_path: Path) -> None:
    loaded = load(tmp_path)
    assert loaded == Config(root=tmp_path)
    assert loaded.database_url == f"sqlite:///{tmp_path}/.regress/regress.db"


def test_the_written_default_means_the_defaults(tmp_path: Path) -> None:
    suites = (SuiteConfig("asv"), SuiteConfig("pytest-benchmark", "", ("tests/bench",)))
    write_default(tmp_path / "regress.toml", suites, name="demo")
    loaded = load(tmp_path)
    fresh = Config(root=tmp_path, path=tmp_path / "regress.toml", suite=suites)
    assert loaded == dataclasses.replace(fresh, project=ProjectConfig(name="demo"))


def test_the_written_default_explains_every_knob(tmp_path: Path) -> None:
    write_default(tmp_path / "regress.toml", [SuiteConfig()])
    text = (tmp_path / "regress.toml").read_text()
    for kind in (*SECTIONS.values(), SuiteConfig):
        for knob in dataclasses.fields(kind):
            if knob.name not in LISTS:
                assert f"# {knob.metadata['help']}\n{knob.name} = " in text


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "regress.toml").write_text("mine")
    with pytest.raises(ConfigError, match="exists already"):
        write_default(tmp_path / "regress.toml")
    assert (tmp_path / "regress.toml").read_text() == "mine"


def test_the_file_is_found_from_a_folder_below_but_not_beyond_the_repository(tmp_path: Path) -> None:
    (tmp_path / "regress.toml").write_text('[project]\nname = "outer"\n')
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert load(inner).project_name == "outer"
    (tmp_path / "a" / ".git").mkdir()
    assert load(inner).path is None


WRONG = [
    ("[web]\nport = 'x'", "web.port", "expected a whole number", "port"),
    ("[web]\nport = 70000", "web.port", "0 to 65535", "port"),
    ("[web]\nport = true", "web.port", "expected a whole number", "port"),
    ("[wbe]\nport = 1", "wbe", "unknown key", "Did you mean 'web'?"),
    ("[web]\nprot = 1", "web.prot", "unknown key", "Did you mean 'port'?"),
    ("web = 3", "web", "expected a table", "[web]"),
    ("[[suite]]\ntool = 'hyperfine'", "suite[0].tool", "'asv' or 'pytest-benchmark'", "asv"),
    ("[suite]\ntool = 'asv'", "suite", "expected a list of tables", "[[suite]]"),
    ("[[suite]]\nargs = [1]", "suite[0].args", "expected a list of texts", "given"),
    ("[[detection.effect]]\nminimum = -1", "detection.effect[0].minimum", "from 0 to below 10", "5 %"),
    ("[web]\ncommit_url = 'javascript:{sha}'", "web.commit_url", "http(s)", "https://"),
    ("[web]\nport = \nhost = ''", "line 2, column 8", "Invalid value", "quotes"),
]


@pytest.mark.parametrize(("text", "where", "message", "hint"), WRONG)
def test_a_mistake_is_named_with_its_place_and_remedy(text: str, where: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, Path("regress.toml"))
    assert caught.value.where == where
    assert message in str(caught.value)
    assert hint in caught.value.hint


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "regress.toml").write_bytes(b"a = 1\n\xff")
    with pytest.raises(ConfigError, match="byte 6: not UTF-8"):
        load(tmp_path)
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "missing.toml")


@given(st.text(max_size=60))
def test_any_text_is_a_configuration_or_a_config_error(text: str) -> None:
    try:
        outcome: Config | str = parse(text, Path("regress.toml"))
    except ConfigError as error:
        outcome = str(error)
    assert isinstance(outcome, Config) or outcome.startswith("regress.toml: ")


def test_the_last_matching_effect_rule_counts() -> None:
    text = """
        [[detection.effect]]
        minimum = 0.1
        [[detection.effect]]
        metric = "wall *"
        benchmark = "core.*"
        minimum = 0.02
    """
    detection = parse(text, Path("regress.toml")).detection
    assert detection.minimum_effect("core.add", "wall time", 0.5) == 0.02
    assert detection.minimum_effect("other", "wall time", 0.5) == 0.1
    assert parse("", Path("x")).detection.minimum_effect("other", "wall time", 0.5) == 0.5


def test_the_default_detector_exists() -> None:
    from regress.detect import DETECTORS, detect

    default = DetectionConfig().detector
    assert default in DETECTORS
    assert inspect.signature(detect).parameters["detector"].default == default

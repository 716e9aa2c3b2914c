"""What a user may choose, in ``regress.toml``: every knob once, with its default, check and explanation.

    config = load(Path("."))            # regress.toml there, or in a folder above, or all defaults
    Store.open(config.database_url)

The file that ``regress init`` writes is rendered from the same rows, so it cannot drift from the code.
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, TypeVar

import tomlkit

from regress.domain import Role
from regress.errors import ConfigError, suggest
from regress.knobs import COMMITS as _COMMITS
from regress.knobs import COUNT as _COUNT
from regress.knobs import DAYS as _DAYS
from regress.knobs import FRACTION as _FRACTION
from regress.knobs import PORT as _PORT
from regress.knobs import SHARE as _SHARE
from regress.knobs import TEMPLATE as _TEMPLATE
from regress.knobs import WORD as _WORD
from regress.knobs import Check, one_of
from regress.knobs import knob as _knob
from regress.notify_config import EXAMPLE as CHANNEL_EXAMPLE
from regress.notify_config import ChannelConfig, NotifyConfig

FILE_NAME = "regress.toml"
TOOLS = ("asv", "pytest-benchmark")
FALSE_ALARMS = 0.002
"""The default chance of any false report from one series; the best on labelled real series."""

FALSE_DISCOVERIES = 0.05
"""The default part of all reported changes that may be false: the custom."""

_MAX_BYTES = 1_000_000  # a configuration beyond this is some other file
_SQLITE = "sqlite:///"

Section = TypeVar("Section")


_LOGIN = Check("none, password or oidc", lambda v: v in ("none", "password", "oidc"))
_ROLES = tuple(role.value for role in Role)
_ROLE = Check(f"one of {', '.join(_ROLES)}", lambda v: v in _ROLES)
_ROLE_OR_NONE = Check(f"none or one of {', '.join(_ROLES)}", lambda v: v in ("none", *_ROLES))
_ROLE_PAIRS = Check(
    f"texts like ann@example.org=admin, with one of {', '.join(_ROLES)}",
    lambda v: all(text.rpartition("=")[0] and text.rpartition("=")[2] in _ROLES for text in v),
)


@dataclass(frozen=True, slots=True)
class ProjectConfig:
    """The repository under watch."""

    name: str = _knob("", "Shown on pages; the folder's name when empty.")
    branch: str = _knob(
        "", "The branch that is watched; detected when empty (origin's HEAD, main or master)."
    )


@dataclass(frozen=True, slots=True)
class StoreConfig:
    """Where results are kept."""

    url: str = _knob(
        "sqlite:///.regress/regress.db",
        "sqlite:///FILE (relative to this file), or postgresql://USER@HOST/NAME.",
        _WORD,
    )


@dataclass(frozen=True, slots=True)
class SuiteConfig:
    """A suite of benchmarks and the tool that runs it."""

    tool: str = _knob("asv", "asv or pytest-benchmark.", one_of(TOOLS))
    config: str = _knob("", "The tool's configuration; asv.conf.json is found when empty.")
    args: tuple[str, ...] = _knob((), "What the tool is given besides (for pytest: the files to run).")


@dataclass(frozen=True, slots=True)
class EffectConfig:
    """The smallest change that matters, for the series that match; the last match counts."""

    metric: str = _knob("*", "Metric name or pattern.", _WORD)
    benchmark: str = _knob("*", "Benchmark name or pattern.", _WORD)
    minimum: float = _knob(0.03, "0.05 means that changes below 5 % are not reported.", _SHARE)


@dataclass(frozen=True, slots=True)
class DetectionConfig:
    """When a shift of a series' level is reported."""

    detector: str = _knob("segments", "One of regress.detect.DETECTORS.", _WORD)
    false_alarms: float = _knob(
        FALSE_ALARMS, "Chance of any false report from one series without changes.", _FRACTION
    )
    false_discoveries: float = _knob(
        FALSE_DISCOVERIES, "Of all changes that the project reports, the part that may be false.", _FRACTION
    )
    brief: int = _knob(
        10,
        "A change taken back within so many commits is no news, nor is its end; 0: all are.",
        _COMMITS,
    )
    drift_budget: float = _knob(
        0.05,
        "Slow drift for the worse, in steps too small to be told, that lists a series.",
        _SHARE,
    )
    drift_points: int = _knob(200, "Measured commits over which drift is added up.", _COUNT)
    pooling: float = _knob(
        0.33,
        "Part of the smallest change that matters at which series that move together are told; 0: never.",
        _SHARE,
    )
    effect: tuple[EffectConfig, ...] = ()

    def minimum_effect(self, benchmark: str, metric: str, default: float) -> float:
        """The smallest relative change of a series that is reported; ``default`` is the metric's own."""
        for rule in reversed(self.effect):
            if fnmatchcase(metric, rule.metric) and fnmatchcase(benchmark, rule.benchmark):
                return rule.minimum
        return default


@dataclass(frozen=True, slots=True)
class WebConfig:
    """The dashboard."""

    host: str = _knob(
        "127.0.0.1", "The address it listens on; any but loopback takes a log-in, see [access].", _WORD
    )
    port: int = _knob(8000, "The port it listens on.", _PORT)
    attend: bool = _knob(
        True, "Whether `regress serve` analyses what arrives and sends the notifications that are due."
    )
    bisect: str = _knob(
        "loopback",
        "Whether maintainers may start bisections on this machine from a page: never, loopback (only where"
        " the server listens there) or always.",
        one_of(("never", "loopback", "always")),
    )
    commit_url: str = _knob(
        "", "Where a commit can be seen, e.g. https://github.com/OWNER/NAME/commit/{sha}.", _TEMPLATE
    )


@dataclass(frozen=True, slots=True)
class AccessConfig:
    """Who may do what on the dashboard."""

    login: str = _knob("none", "How people log in: none, password or oidc.", _LOGIN)
    open: bool = _knob(False, "Whether anybody may read without logging in, wherever it listens.")
    local: str = _knob(
        "viewer", "What a visitor from this machine may do where there is no log-in: a role.", _ROLE
    )
    hosts: tuple[str, ...] = _knob((), "Names it is reached by, beside this machine's own.")
    passwords: str = _knob(".regress/passwords", "What `regress user` writes, relative to this file.", _WORD)
    session_hours: int = _knob(12, "Hours until people log in again.", _COUNT)
    requests: int = _knob(1200, "Requests a minute from one other machine; 0: no limit.", _DAYS)
    upload_mb: int = _knob(32, "Megabytes of one upload, packed.", _COUNT)
    unpacked_mb: int = _knob(256, "Megabytes of one upload, unpacked.", _COUNT)
    upload_seconds: int = _knob(60, "Seconds in which an upload must be here.", _COUNT)
    oidc_issuer: str = _knob("", "The provider's address, as it names itself.")
    oidc_client: str = _knob("", "The client id there; its secret is REGRESS_OIDC_SECRET's.")
    oidc_role: str = _knob(
        "viewer", "What whoever the provider knows may do: a role, or none.", _ROLE_OR_NONE
    )
    oidc_roles: tuple[str, ...] = _knob((), "Who may do more: EMAIL=ROLE or group:NAME=ROLE.", _ROLE_PAIRS)


@dataclass(frozen=True, slots=True)
class RetentionConfig:
    """What `regress db prune` forgets: raw samples; values, bounds and all near a change stay for ever."""

    raw_days: int = _knob(0, "Raw samples older than this go (365: a year); 0 keeps all.", _DAYS)
    around: int = _knob(20, "Commits on each side of a change point whose raw samples stay.", _COUNT)


@dataclass(frozen=True, slots=True)
class IngestConfig:
    """What `regress ingest` takes for damaged or hostile."""

    largest_mb: int = _knob(
        256, "Megabytes of a result file; reading one takes about ten times as much memory.", _COUNT
    )
    combinations: int = _knob(1_000_000, "Parameter combinations of one asv benchmark.", _COUNT)


@dataclass(frozen=True, slots=True)
class GateConfig:
    """When `regress gate` fails a build."""

    minimum_effect: float = _knob(
        0.05,
        "Regressions below this do not fail it (0.05 is 5 %); `regress ci` must find those above.",
        _SHARE,
    )
    fail_on_failures: bool = _knob(False, "Whether a benchmark that stopped working fails it.")


@dataclass(frozen=True, slots=True)
class TriageConfig:
    """How soon a regression wants an answer; pages show what is due, and what is overdue."""

    answer_days: int = _knob(3, "Days until somebody says what a new regression is; 0: no date.", _DAYS)
    fix_days: int = _knob(14, "Days until one that somebody looks into is over; 0: no date.", _DAYS)


@dataclass(frozen=True, slots=True)
class Config:
    """All choices. ``root`` is the folder they are relative to; ``path`` the file, when there is one."""

    root: Path
    path: Path | None = None
    project: ProjectConfig = ProjectConfig()
    store: StoreConfig = StoreConfig()
    suite: tuple[SuiteConfig, ...] = ()
    detection: DetectionConfig = DetectionConfig()
    web: WebConfig = WebConfig()
    gate: GateConfig = GateConfig()
    triage: TriageConfig = TriageConfig()
    retention: RetentionConfig = RetentionConfig()
    ingest: IngestConfig = IngestConfig()
    access: AccessConfig = AccessConfig()
    notify: NotifyConfig = field(default_factory=NotifyConfig)

    @property
    def project_name(self) -> str:
        """The project's name, or its folder's."""
        return self.project.name or self.root.resolve().name

    @property
    def database_url(self) -> str:
        """The store's URL, a relative SQLite file made absolute."""
        url = self.store.url
        if not url.startswith(_SQLITE):
            return url
        return _SQLITE + str((self.root / url.removeprefix(_SQLITE)).absolute())


SECTIONS: Mapping[str, type[Any]] = {
    "project": ProjectConfig,
    "store": StoreConfig,
    "detection": DetectionConfig,
    "web": WebConfig,
    "gate": GateConfig,
    "triage": TriageConfig,
    "retention": RetentionConfig,
    "ingest": IngestConfig,
    "access": AccessConfig,
    "notify": NotifyConfig,
}
"""The tables of the file."""

LISTS: Mapping[str, type[Any]] = {"suite": SuiteConfig, "effect": EffectConfig, "channel": ChannelConfig}
"""The arrays of tables, by the name of the field that holds them."""


def find(folder: Path) -> Path | None:
    """The ``regress.toml`` of ``folder``: its own or the nearest above, up to the repository's top."""
    for place in (folder.absolute(), *folder.absolute().parents):
        if (place / FILE_NAME).is_file():
            return place / FILE_NAME
        if (place / ".git").exists():
            return None
    return None


def load(path: Path | str = ".") -> Config:
    """The configuration in a file, or found from a folder; all defaults when a folder has none.

    ConfigError names the key or line, what was expected, and what to do.
    """
    path = Path(path)
    file = find(path) if path.is_dir() else path
    if file is None:
        return Config(root=path.absolute())
    return parse(_read(file), file)


def parse(text: str, path: Path) -> Config:
    """The configuration that ``text`` means; ``path`` is where it is from."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message, _, where = str(error).partition(" (at ")
        raise ConfigError(
            path, where.rstrip(")"), message, hint="Check the quotes and brackets there."
        ) from error
    _refuse_unknown(document, (*SECTIONS, "suite"), "", path)
    sections: dict[str, Any] = {
        name: _section(kind, document.get(name, {}), name, path) for name, kind in SECTIONS.items()
    }
    suites = _tables(SuiteConfig, document.get("suite", []), "suite", path)
    return Config(root=path.absolute().parent, path=path.absolute(), suite=suites, **sections)


def write_default(path: Path, suites: Sequence[SuiteConfig] = (), *, name: str = "") -> None:
    """Write a commented configuration that says the defaults, and ``suites``; never over an existing file."""
    document = tomlkit.document()
    document.add(
        tomlkit.comment(
            "Regress's choices for this repository. Every line may go: what is not said has its default."
        )
    )
    for section, kind in SECTIONS.items():
        table = _render(kind(name=name) if kind is ProjectConfig and name else kind())
        if section == "detection":
            _comment(
                table,
                "The smallest change that matters, per series; repeat at will (else: times 3 %, others 1 %).",
            )
            for line in (
                "[[detection.effect]]",
                'metric = "peak memory"',
                'benchmark = "*"',
                "minimum = 0.05",
            ):
                _comment(table, line)
        if section == "notify":
            _comment(table, "Who is told, and how; repeat at will.")
            for line in CHANNEL_EXAMPLE:
                _comment(table, line)
        document.add(section, table)
    if suites:
        array = tomlkit.aot()
        for suite in suites:
            array.append(_render(suite))
        document.add("suite", array)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(tomlkit.dumps(document))
    except FileExistsError as error:
        raise ConfigError(path, "", "exists already", hint="Edit it, or move it away.") from error
    except OSError as error:
        raise ConfigError(path, "", f"cannot be written: {error.strerror}") from error


def with_settings(detection: DetectionConfig, settings: Iterable[str]) -> DetectionConfig:
    """What ``key=value`` texts make of the detection section; ``effect=0.05`` holds for every series.

    ConfigError as for a file, of which "--set" is the path.
    """
    knobs, given = {knob.name: knob for knob in fields(DetectionConfig)}, Path("--set")
    for text in settings:
        name, equals, told = text.partition("=")
        if not equals:
            hint = "For example --set false_alarms=0.001."
            raise ConfigError(given, name, "expected KEY=VALUE", hint=hint)
        _refuse_unknown({name: told}, knobs, "detection", given)
        if name == "effect":
            (knob,) = (knob for knob in fields(EffectConfig) if knob.name == "minimum")
            minimum = _value(knob, _literal(told), "detection.effect", given)
            detection = replace(detection, effect=(*detection.effect, EffectConfig(minimum=minimum)))
        else:
            value = _value(knobs[name], _literal(told), f"detection.{name}", given)
            detection = replace(detection, **{name: value})
    return detection


def _literal(text: str) -> float | str:
    """A number where it is one, whole where it says so."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ConfigError(path, "", f"larger than {_MAX_BYTES:,} bytes", hint="Is it the right file?")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(path, f"byte {error.start}", "not UTF-8 text", hint="Save it as UTF-8.") from error
    except OSError as error:
        hint = "`regress init` writes one."
        raise ConfigError(path, "", f"cannot be read: {error.strerror}", hint=hint) from error


def _section(kind: type[Section], table: Any, where: str, path: Path) -> Section:
    """A table as its dataclass, every value checked."""
    if not isinstance(table, dict):
        raise ConfigError(path, where, f"expected a table, found {_named(table)}", hint=f"Write [{where}].")
    known = {f.name: f for f in fields(kind)}  # type: ignore[arg-type] # sections are dataclasses
    _refuse_unknown(table, known, where, path)
    values: dict[str, Any] = {}
    for key, value in table.items():
        place = f"{where}.{key}"
        if key in LISTS:
            values[key] = _tables(LISTS[key], value, place, path)
        else:
            values[key] = _value(known[key], value, place, path)
    return kind(**values)


def _tables(kind: type[Section], tables: Any, where: str, path: Path) -> tuple[Section, ...]:
    if not isinstance(tables, list):
        raise ConfigError(
            path, where, f"expected a list of tables, found {_named(tables)}", hint=f"Write [[{where}]]."
        )
    return tuple(_section(kind, table, f"{where}[{i}]", path) for i, table in enumerate(tables))


def _value(knob: dataclasses.Field[Any], value: Any, where: str, path: Path) -> Any:
    wanted = type(knob.default)
    if wanted is float and type(value) is int:
        value = float(value)
    if wanted is tuple and isinstance(value, list) and all(isinstance(item, str) for item in value):
        value = tuple(value)
    if type(value) is not wanted:
        expected = {
            str: "text",
            int: "a whole number",
            float: "a number",
            bool: "true or false",
            tuple: "a list of texts",
        }
        raise ConfigError(
            path, where, f"expected {expected[wanted]}, found {_named(value)}", hint=knob.metadata["help"]
        )
    check: Check | None = knob.metadata["check"]
    if check and not check.holds(value):
        raise ConfigError(
            path, where, f"expected {check.expected}, found {value!r}", hint=knob.metadata["help"]
        )
    return value


def _refuse_unknown(table: Mapping[str, Any], known: Any, where: str, path: Path) -> None:
    for key in table:
        if key not in known:
            near = suggest(key, known)
            hint = f"Did you mean {near[0]!r}?" if near else f"Known here: {', '.join(known)}."
            raise ConfigError(path, f"{where}.{key}".strip("."), "unknown key", hint=hint)


def _named(value: Any) -> str:
    return f"{value!r:.40}"


def _render(section: Any) -> tomlkit.items.Table:
    """A section as a table, each knob under its explanation."""
    table = tomlkit.table()
    for knob in fields(section):
        if knob.name in LISTS:
            continue
        value = getattr(section, knob.name)
        _comment(table, knob.metadata["help"])
        table.add(knob.name, list(value) if isinstance(value, tuple) else value)
    return table


def _comment(table: tomlkit.items.Table, text: str) -> None:
    table.add(tomlkit.comment(text))

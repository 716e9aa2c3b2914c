"""The sections of ``regress.toml``: every knob once, with its default, check and explanation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from regress.config.access import AccessConfig
from regress.config.knobs import COMMITS, COUNT, DAYS, FRACTION, PORT, SHARE, TEMPLATE, WORD, knob, one_of
from regress.config.notify import ChannelConfig, NotifyConfig

TOOLS = ("asv", "pytest-benchmark")
FALSE_ALARMS = 0.002
"""The default chance of any false report from one series; the best on labelled real series."""

FALSE_DISCOVERIES = 0.05
"""The default part of all reported changes that may be false: the custom."""


_SQLITE = "sqlite:///"


@dataclass(frozen=True, slots=True)
class ProjectConfig:
    """The repository under watch."""

    name: str = knob("", "Shown on pages; the folder's name when empty.")
    branch: str = knob("", "The branch that is watched; detected when empty (origin's HEAD, main or master).")


@dataclass(frozen=True, slots=True)
class StoreConfig:
    """Where results are kept."""

    url: str = knob(
        "sqlite:///.regress/regress.db",
        "sqlite:///FILE (relative to this file), or postgresql://USER@HOST/NAME.",
        WORD,
    )


@dataclass(frozen=True, slots=True)
class SuiteConfig:
    """A suite of benchmarks and the tool that runs it."""

    tool: str = knob("asv", "asv or pytest-benchmark.", one_of(TOOLS))
    config: str = knob("", "The tool's configuration; asv.conf.json is found when empty.")
    args: tuple[str, ...] = knob((), "What the tool is given besides (for pytest: the files to run).")


@dataclass(frozen=True, slots=True)
class EffectConfig:
    """The smallest change that matters, for the series that match; the last match counts."""

    metric: str = knob("*", "Metric name or pattern.", WORD)
    benchmark: str = knob("*", "Benchmark name or pattern.", WORD)
    minimum: float = knob(0.03, "0.05 means that changes below 5 % are not reported.", SHARE)


@dataclass(frozen=True, slots=True)
class DetectionConfig:
    """When a shift of a series' level is reported."""

    detector: str = knob("segments", "One of regress.detect.DETECTORS.", WORD)
    false_alarms: float = knob(
        FALSE_ALARMS, "Chance of any false report from one series without changes.", FRACTION
    )
    false_discoveries: float = knob(
        FALSE_DISCOVERIES, "Of all changes that the project reports, the part that may be false.", FRACTION
    )
    brief: int = knob(
        10,
        "A change taken back within so many commits is no news, nor is its end; 0: all are.",
        COMMITS,
    )
    drift_budget: float = knob(
        0.05,
        "Slow drift for the worse, in steps too small to be told, that lists a series.",
        SHARE,
    )
    drift_points: int = knob(200, "Measured commits over which drift is added up.", COUNT)
    pooling: float = knob(
        0.33,
        "Part of the smallest change that matters at which series that move together are told; 0: never.",
        SHARE,
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

    host: str = knob(
        "127.0.0.1", "The address it listens on; any but loopback takes a log-in, see [access].", WORD
    )
    port: int = knob(8000, "The port it listens on.", PORT)
    attend: bool = knob(
        True, "Whether `regress serve` analyses what arrives and sends the notifications that are due."
    )
    bisect: str = knob(
        "loopback",
        "Whether maintainers may start bisections on this machine from a page: never, loopback (only where"
        " the server listens there) or always.",
        one_of(("never", "loopback", "always")),
    )
    commit_url: str = knob(
        "", "Where a commit can be seen, e.g. https://github.com/OWNER/NAME/commit/{sha}.", TEMPLATE
    )


@dataclass(frozen=True, slots=True)
class RetentionConfig:
    """What `regress db prune` forgets: raw samples; values, bounds and all near a change stay for ever."""

    raw_days: int = knob(0, "Raw samples older than this go (365: a year); 0 keeps all.", DAYS)
    around: int = knob(20, "Commits on each side of a change point whose raw samples stay.", COUNT)


@dataclass(frozen=True, slots=True)
class IngestConfig:
    """What `regress ingest` takes for damaged or hostile."""

    largest_mb: int = knob(
        256, "Megabytes of a result file; reading one takes about ten times as much memory.", COUNT
    )
    combinations: int = knob(1_000_000, "Parameter combinations of one asv benchmark.", COUNT)


@dataclass(frozen=True, slots=True)
class GateConfig:
    """When `regress gate` fails a build."""

    minimum_effect: float = knob(
        0.05,
        "Regressions below this do not fail it (0.05 is 5 %); `regress ci` must find those above.",
        SHARE,
    )
    fail_on_failures: bool = knob(False, "Whether a benchmark that stopped working fails it.")


@dataclass(frozen=True, slots=True)
class TriageConfig:
    """How soon a regression wants an answer; pages show what is due, and what is overdue."""

    answer_days: int = knob(3, "Days until somebody says what a new regression is; 0: no date.", DAYS)
    fix_days: int = knob(14, "Days until one that somebody looks into is over; 0: no date.", DAYS)


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
    access: AccessConfig = field(default_factory=AccessConfig)
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

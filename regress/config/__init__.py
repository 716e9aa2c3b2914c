"""What a user may choose, in ``regress.toml``.

config = load(Path("."))            # regress.toml there, or in a folder above, or all defaults
Store.open(config.database_url)

knobs      what a knob is: a field with its default, its check and its explanation
sections   every knob once (access: who may do what; notify: who is told)
reading    from a file to the configuration             writing    the file that `regress init` writes
"""

from regress.config.access import AccessConfig
from regress.config.notify import ChannelConfig, NotifyConfig
from regress.config.reading import FILE_NAME, find, load, parse, with_settings
from regress.config.sections import (
    FALSE_ALARMS,
    FALSE_DISCOVERIES,
    TOOLS,
    Config,
    DetectionConfig,
    EffectConfig,
    GateConfig,
    IngestConfig,
    ProjectConfig,
    RetentionConfig,
    StoreConfig,
    SuiteConfig,
    TriageConfig,
    WebConfig,
)

__all__ = [
    "FALSE_ALARMS",
    "FALSE_DISCOVERIES",
    "FILE_NAME",
    "TOOLS",
    "AccessConfig",
    "ChannelConfig",
    "Config",
    "DetectionConfig",
    "EffectConfig",
    "GateConfig",
    "IngestConfig",
    "NotifyConfig",
    "ProjectConfig",
    "RetentionConfig",
    "StoreConfig",
    "SuiteConfig",
    "TriageConfig",
    "WebConfig",
    "find",
    "load",
    "parse",
    "with_settings",
]

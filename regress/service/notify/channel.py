"""What a channel is: something that takes a message to its receiver, and says what is known of it then."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from regress.config import Config
from regress.config.notify import ChannelConfig
from regress.errors import ConfigError

Payload = dict[str, Any]
"""What a message says, as JSON: ``wording.payload`` makes it."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message on its way: the same key and payload however often it goes.

    ``topic`` is what it is about, where messages of a channel are about one event each; ``receipt`` is what
    the receiver answered to an earlier one of that topic (empty: none, as far as we know).
    """

    key: str
    topic: str
    payload: Payload
    created_at: datetime
    receipt: str = ""


class Channel(Protocol):
    """A way to tell somebody; implementations stand in ``CHANNELS``, one a file."""

    single: bool
    """Whether a message is about one event, kept up to date in place; else about all that is due."""

    promise: str
    """What happens to a message whose sender died before it heard that it arrived, in words for people."""

    def send(self, message: Outgoing) -> str:
        """Deliver it, and give the receipt that later messages of its topic are to know.

        NotifyError when it did not arrive, or may not have.
        """
        ...

    def try_out(self, message: Outgoing) -> str:
        """Show that it works with a message that only says so, past the outbox; what was done, in words."""
        ...


Make = Callable[["Setting"], Channel]


@dataclass(frozen=True, slots=True)
class Setting:
    """A channel's place in the configuration, and the values it needs, each named when it is missing."""

    config: Config
    channel: ChannelConfig

    def fault(self, key: str, message: str, hint: str = "") -> ConfigError:
        """What is wrong with one of its knobs."""
        path = self.config.path or self.config.root
        return ConfigError(path, f"notify.channel {self.channel.name!r}.{key}", message, hint=hint)

    def to(self, expected: str) -> str:
        """Its ``to``; ConfigError that says what is ``expected`` when there is none."""
        if not self.channel.to:
            raise self.fault("to", f"missing: expected {expected}")
        return self.channel.to

    def secret(self, usual: str, *, needed: bool = True) -> str:
        """What the environment holds for it; ConfigError when that is nothing though ``needed``."""
        name = self.channel.secret or usual
        value = os.environ.get(name, "").strip()
        if needed and not value:
            hint = f"Set it where `regress notify send` runs: export {name}=..."
            raise self.fault("secret", f"the environment variable {name} is not set", hint)
        return value

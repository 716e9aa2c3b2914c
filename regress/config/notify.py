"""What a user may choose about notifications: the ``[notify]`` section of ``regress.toml``, and its channels.

Secrets are not here: a channel names the environment variable that holds its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

from regress.config.knobs import ADDRESS, COUNT, MINUTES, SHARE, WORDS, Check, all_of, knob, one_of

KINDS = (
    "email",
    "github-comment",
    "github-issue",
    "gitlab-comment",
    "gitlab-issue",
    "slack",
    "webhook",
)
"""The kinds of channels; a test compares them with the registry ``regress.service.notify.CHANNELS``."""

NEWS = ("new", "returned", "went away", "triaged")
"""What can be told of an event: the words of ``regress.store.outbox.News``."""

_SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


def zone(name: str) -> tzinfo | None:
    """The time zone of a name; None when there is none."""
    try:
        return ZoneInfo(name) if name != "UTC" else UTC
    except (KeyError, ValueError, OSError):  # unknown, not a name, or a folder
        return None


def span(text: str) -> tuple[int, int] | None:
    """Minutes of the day at which ``HH:MM-HH:MM`` begins and ends; None when it is not that."""
    found = _SPAN.fullmatch(text)
    if found is None:
        return None
    start, start_minute, end, end_minute = map(int, found.groups())
    return 60 * start + start_minute, 60 * end + end_minute


_SPAN_CHECK = Check("HH:MM-HH:MM, or nothing", lambda v: not v or span(v) is not None)
_ZONE = Check("a time zone's name, such as 'Europe/Berlin'", lambda v: zone(v) is not None)
_NAME = Check("a short name of letters, digits, - and _", lambda v: bool(re.fullmatch(r"[\w-]{1,50}", v)))
_VARIABLE = Check(
    "the NAME of an environment variable (never the secret itself), or nothing",
    lambda v: not v or bool(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", v)),
)


@dataclass(frozen=True, slots=True)
class ChannelConfig:
    """Somebody who is told, how, and what they do not want to hear."""

    name: str = knob("", "What `regress notify` calls it.", _NAME)
    kind: str = knob("webhook", "One of regress.service.notify.CHANNELS.", one_of(KINDS))
    to: str = knob("", "webhook: its address; github, gitlab: OWNER/NAME; email: addresses, by commas.")
    server: str = knob("", "API of an own forge (https://git.example.org/api/v4), or smtp[s]://[USER@]HOST.")
    sender: str = knob("", "email: the address it is from.")
    secret: str = knob(
        "", "Environment variable with the token, password or key; each kind has one.", _VARIABLE
    )
    private: bool = knob(
        False, "Whether its address may be in a private network, and plain http:// is good enough."
    )
    news: tuple[str, ...] = knob(("new", "returned", "went away"), "What is told.", all_of(NEWS))
    kinds: tuple[str, ...] = knob(
        ("regression",), "regression, improvement, or both.", all_of(("regression", "improvement"))
    )
    branches: tuple[str, ...] = knob((), "Patterns of branches; the watched one when empty.")
    machines: tuple[str, ...] = knob(
        ("*",), "Patterns of machines; one series on one of them will do.", WORDS
    )
    benchmarks: tuple[str, ...] = knob(("*",), "Patterns of benchmarks, likewise.", WORDS)
    minimum: float = knob(0.0, "Events below this size are not told; 0.05 is 5 %.", SHARE)
    quiet: str = knob(
        "", "Hours in which nothing is sent, e.g. 22:00-07:00; it comes after them.", _SPAN_CHECK
    )
    timezone: str = knob("UTC", "Whose hours these are.", _ZONE)
    digest_minutes: int = knob(0, "Events are gathered so long, and told together.", MINUTES)
    burst_minutes: int = knob(
        0, "After a message, what follows in so many minutes waits for their end.", MINUTES
    )
    burst: int = knob(10, "Of more events than this at once only the largest are told one by one.", COUNT)


@dataclass(frozen=True, slots=True)
class NotifyConfig:
    """Who is told what changed; `regress notify send` tells them."""

    pages: str = knob("", "Where the dashboard is, for links in messages.", ADDRESS)
    attempts: int = knob(10, "How often a message is tried before it counts as undeliverable.", COUNT)
    channel: tuple[ChannelConfig, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """What the channels are called."""
        return tuple(channel.name for channel in self.channel)


EXAMPLE = (
    "[[notify.channel]]",
    'name = "team"',
    'kind = "slack" # its address is in $REGRESS_SLACK_URL',
    'quiet = "22:00-07:00"',
)
"""A channel, as `regress init` shows it."""

"""The verbs of notifications: *send* what the outbox holds, *test* a channel, *status* of all.

One sender works at a time on a database (``Store.sending``; the lock of one that died is free). It makes
messages of what is new, by the rules; then for each message: claim, send, confirm. A crash anywhere leaves
the message in the outbox with its key and its text, and the next sender sends it again: at least once, and
the receiver can tell a second time by the key.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from regress.config import Config
from regress.config.notify import ChannelConfig
from regress.domain import Event
from regress.errors import ConfigError, NotifyError, RegressError, UnknownNameError
from regress.service.notify import CHANNELS
from regress.service.notify.channel import Channel, Outgoing, Payload, Setting
from regress.service.notify.rules import Parcel, Plan, plan
from regress.service.notify.wording import payload, test_payload, title
from regress.service.project import Project
from regress.store import Store
from regress.store.outbox import Draft, Message, Notice, Progress

FIRST_PAUSE = timedelta(minutes=1)
"""Between the first attempt and the second; it doubles with each."""

LONGEST_PAUSE = timedelta(hours=6)

Listener = Callable[[str, str, str], None]
"""Told of each message: its channel, how it went ("sent"), and its title or what went wrong."""


@dataclass
class ChannelReport:
    """What *send* did for a channel. ``held`` notices wait until ``until``, and ``why``.

    ``fault``: the channel cannot be used, so that all of it waits; ``left`` messages were not tried.
    """

    name: str
    kind: str
    sent: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    dead: int = 0
    left: int = 0
    skipped: int = 0
    held: int = 0
    until: datetime | None = None
    why: str = ""
    fault: str = ""

    @property
    def well(self) -> bool:
        """Whether nothing went wrong."""
        return not self.fault and not self.failed


@dataclass(frozen=True, slots=True)
class ChannelStatus:
    """How a channel stands: messages by progress, notices that wait, and why others were never told."""

    name: str
    kind: str
    promise: str
    fault: str
    waiting_notices: int
    messages: dict[str, int]
    skipped: dict[str, int]
    unsent: tuple[Message, ...]


def _silent(_channel: str, _outcome: str, _text: str) -> None:
    """Nobody listens."""


def channels(config: Config) -> tuple[ChannelConfig, ...]:
    """The configured channels; ConfigError when there are none, or two of one name."""
    found, path = config.notify.channel, config.path or config.root
    if not found:
        hint = "Describe who is to be told: [[notify.channel]] in regress.toml, with name and kind."
        raise ConfigError(path, "notify", "no channel is configured", hint=hint)
    for place, one in enumerate(found):
        if not one.name or one.name in config.notify.names[:place]:
            raise ConfigError(path, f"notify.channel[{place}].name", "expected a name of its own")
    return found


def made(config: Config, chosen: ChannelConfig) -> Channel:
    """A channel that can send; ConfigError says what it lacks."""
    return CHANNELS[chosen.kind](Setting(config, chosen))


def send(
    project: Project,
    store: Store,
    *,
    dry_run: bool = False,
    again: bool = False,
    now: datetime | None = None,
    listen: Listener = _silent,
) -> list[ChannelReport]:
    """Tell every channel what it is due; a report each.

    ``again`` gives dead messages another life first. ``dry_run`` changes nothing and sends nothing: what
    would be sent is told as ``sent``. StoreLockedError while somebody else sends.
    """
    found, moment = channels(project.config), now or datetime.now(UTC)
    with store.sending():
        if again and not dry_run:
            store.outbox.revive(moment)
        notices = store.outbox.waiting()
        sender = _Sender(project, store, moment, dry_run, listen)
        return [sender.serve(one, [n for n in notices if n.channel == one.name]) for one in found]


class _Sender:
    """One round of sending."""

    def __init__(
        self, project: Project, store: Store, now: datetime, dry_run: bool, listen: Listener
    ) -> None:
        self._project = project
        self._config = project.config
        self._store = store
        self._outbox = store.outbox
        self._now = now
        self._dry_run = dry_run
        self._listen = listen

    def serve(self, chosen: ChannelConfig, notices: list[Notice]) -> ChannelReport:
        """Make a channel's messages, and send what is due."""
        report = ChannelReport(chosen.name, chosen.kind)
        try:
            channel = made(self._config, chosen)
        except ConfigError as error:
            report.fault = str(error)
            return report
        planned = self._planned(chosen, channel, notices)
        report.skipped = len(planned.skipped)
        report.held, report.until, report.why = planned.held, planned.until, planned.why
        drafts = [self._draft(chosen, channel, parcel) for parcel in planned.parcels]
        if self._dry_run:
            told = [json.loads(draft.payload) for draft in drafts]
            told += [json.loads(one.payload) for one in self._outbox.due(chosen.name, self._now)]
            report.sent = [title(one) for one in told]
            return report
        if drafts or planned.skipped:
            self._outbox.pack(drafts, planned.skipped, self._now)
        self._send_due(chosen, channel, report)
        return report

    def _planned(self, chosen: ChannelConfig, channel: Channel, notices: list[Notice]) -> Plan:
        events: dict[int, Event] = {}
        for notice in notices:
            if notice.event_id not in events:
                events[notice.event_id] = self._store.event(notice.event_id)
        return plan(
            chosen,
            notices,
            events,
            watched=self._project.watched_branch,
            single=channel.single,
            last=self._outbox.last(chosen.name),
            now=self._now,
        )

    def _draft(self, chosen: ChannelConfig, channel: Channel, parcel: Parcel) -> Draft:
        project, pages = self._config.project_name, self._config.notify.pages
        said = payload(self._store, project, pages, parcel.items, parcel.more)
        topic = topic_of(project, parcel.items[0].event) if channel.single else ""
        text = json.dumps(said, ensure_ascii=False)
        return Draft(chosen.name, f"regress-{secrets.token_hex(16)}", topic, text, parcel.notices)

    def _send_due(self, chosen: ChannelConfig, channel: Channel, report: ChannelReport) -> None:
        """Send until nothing is due, or the channel is in trouble: others would fare no better."""
        while due := self._outbox.due(chosen.name, self._now):
            for message in due:
                if not self._send(channel, message, report):
                    report.left = len(self._outbox.due(chosen.name, self._now))
                    return

    def _send(self, channel: Channel, message: Message, report: ChannelReport) -> bool:
        """Claim, send, confirm; whether the channel may be asked to do more."""
        claimed = self._outbox.claim(message)
        told: Payload = json.loads(claimed.payload)
        receipt = self._outbox.receipt(claimed.channel, claimed.topic) if claimed.topic else ""
        try:
            outgoing = Outgoing(claimed.key, claimed.topic, told, claimed.created_at, receipt)
            said = channel.send(outgoing)
        except NotifyError as error:
            return self._failed(claimed, error, report)
        self._outbox.confirm(claimed, said, self._now)
        report.sent.append(title(told))
        self._listen(claimed.channel, "sent", title(told))
        return True

    def _failed(self, message: Message, error: NotifyError, report: ChannelReport) -> bool:
        report.failed.append(str(error))
        if error.final or message.attempts >= self._config.notify.attempts:
            self._outbox.bury(message, str(error))
            report.dead += 1
            self._listen(message.channel, "undeliverable", str(error))
            return error.final
        due = self._now + max(pause(message), timedelta(seconds=error.wait))
        self._outbox.postpone(message, str(error), due)
        self._listen(message.channel, f"tried again from {due:%H:%M} UTC on", str(error))
        return False


def topic_of(project: str, event: Event) -> str:
    """What messages about an event have in common; no other event of any database has it."""
    told = f"{project}\0{event.id}\0{event.first_seen.isoformat()}"
    return hashlib.sha256(told.encode()).hexdigest()[:24]


def pause(message: Message) -> timedelta:
    """How long to wait after an attempt that failed: twice as long each time, and not all at one moment."""
    doubled: timedelta = min(FIRST_PAUSE * 2 ** min(message.attempts - 1, 20), LONGEST_PAUSE)
    spread = int(hashlib.sha256(f"{message.key}{message.attempts}".encode()).hexdigest()[:4], 16) / 0xFFFF
    return timedelta(seconds=doubled.total_seconds() * (1 + spread / 4))


def try_out(project: Project, name: str = "") -> dict[str, str]:
    """What each channel (or the one of a name) did with a test message; UnknownNameError for an unknown one.

    NotifyError or ConfigError of the first that does not work.
    """
    config = project.config
    found = [one for one in channels(config) if name in ("", one.name)]
    if not found:
        raise UnknownNameError("channel", name, config.notify.names)
    said = test_payload(config.project_name, config.notify.pages)
    told = {}
    for one in found:
        message = Outgoing(f"regress-test-{secrets.token_hex(16)}", "", said, datetime.now(UTC))
        told[one.name] = made(config, one).try_out(message)
    return told


def status(project: Project, store: Store) -> list[ChannelStatus]:
    """How every channel stands, also one that is no longer configured but has messages left."""
    config, outbox = project.config, store.outbox
    counts, skipped = outbox.counts(), outbox.skipped()
    notices, unsent = outbox.waiting(), outbox.unsent()
    known = {one.name: one for one in config.notify.channel}
    names = dict.fromkeys([*known, *(name for name, _ in counts), *(notice.channel for notice in notices)])
    return [
        ChannelStatus(
            name=name,
            kind=known[name].kind if name in known else "",
            promise=CHANNELS[known[name].kind].promise if name in known else "",  # type: ignore[attr-defined]
            fault=_fault(config, known.get(name)),
            waiting_notices=sum(notice.channel == name for notice in notices),
            messages={state.value: counts.get((name, state), 0) for state in Progress},
            skipped={why: number for (channel, why), number in skipped.items() if channel == name},
            unsent=tuple(message for message in unsent if message.channel == name),
        )
        for name in names
    ]


def _fault(config: Config, chosen: ChannelConfig | None) -> str:
    """Why a channel cannot send."""
    if chosen is None:
        return "it is no longer configured"
    try:
        made(config, chosen)
    except RegressError as error:
        return str(error)
    return ""

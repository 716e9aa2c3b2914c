"""The outbox: what is to be told, written with the event itself, and how far telling it has come.

    replace_changes, decide         write notices, in their own transaction
    waiting, pack                   notices become messages, whose text is settled for good
    claim, confirm                  a message on its way; confirmed when the receiver has said yes
    postpone, bury                  it has not: later again, or never

Whoever packs and sends holds ``Store.sending``. A message that is claimed while nobody holds that was cut off
in flight: nobody knows whether it arrived, so it goes out again, with the same key and the same text.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, func, insert, select, update
from sqlalchemy.orm import Session, aliased

from regress.store.database import Database
from regress.store.dictionary import batches
from regress.store.models import BranchRow, EventRow
from regress.store.outbox_rows import MessageRow, NoticeRow


class News(enum.StrEnum):
    """What can be told of an event."""

    NEW = "new"
    RETURNED = "returned"
    WENT_AWAY = "went away"
    TRIAGED = "triaged"


class Progress(enum.StrEnum):
    """How far a message is: ``CLAIMED`` is on its way, or was when its sender died."""

    WAITING = "waiting"
    CLAIMED = "claimed"
    SENT = "sent"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Notice:
    """News of an event for a channel; ``told``: a message to the channel was about the event before."""

    id: int
    channel: str
    event_id: int
    branch: str
    news: News
    at: datetime
    told: bool


@dataclass(frozen=True, slots=True)
class Draft:
    """A message to be: who gets it, the key they know it by, and the notices that it tells."""

    channel: str
    key: str
    topic: str
    payload: str
    notices: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the outbox. ``attempts`` counts the present one when it is claimed."""

    id: int
    channel: str
    key: str
    topic: str
    payload: str
    state: Progress
    created_at: datetime
    due_at: datetime
    attempts: int
    error: str
    receipt: str
    sent_at: datetime | None


def write(
    session: Session,
    project_id: int,
    channels: Iterable[str],
    news: Mapping[News, Sequence[int]],
    at: datetime,
) -> None:
    """Note for each channel what is new of which events (ids), in the caller's transaction."""
    rows = [
        {"project_id": project_id, "channel": name, "event_id": id_, "news": kind.value, "at": at}
        for name in channels
        for kind, ids in news.items()
        for id_ in ids
    ]
    if rows:
        session.execute(insert(NoticeRow), rows)


def write_triage(session: Session, event_id: int, at: datetime) -> None:
    """Note that a person decided about an event, for the channels that were to hear of it before."""
    row = NoticeRow
    known = select(row.project_id, row.channel).where(row.event_id == event_id).distinct()
    for project_id, channel in session.execute(known).all():
        write(session, project_id, [channel], {News.TRIAGED: [event_id]}, at)


class Outbox:
    """The outbox of a project; every method is a transaction."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def waiting(self) -> list[Notice]:
        """The notices that are in no message yet, oldest first."""
        row, before = NoticeRow, aliased(NoticeRow)
        told = exists().where(
            before.event_id == row.event_id, before.channel == row.channel, before.message_id.is_not(None)
        )
        query = (
            select(row.id, row.channel, row.event_id, BranchRow.name, row.news, row.at, told)
            .join(EventRow, EventRow.id == row.event_id)
            .join(BranchRow, BranchRow.id == EventRow.branch_id)
            .where(row.project_id == self._db.project_id, row.message_id.is_(None), row.skipped == "")
            .order_by(row.id)
        )
        with self._db.read() as session:
            return [
                Notice(id_, channel, event, branch, News(news), at, bool(known))
                for id_, channel, event, branch, news, at, known in session.execute(query)
            ]

    def pack(self, drafts: Sequence[Draft], skipped: Mapping[int, str], now: datetime) -> None:
        """Make messages of drafts, and say why notices (by id) will be in none: all of it, or nothing."""
        with self._db.write(quiet=True) as session:
            for draft in drafts:
                id_ = self._add(session, draft, Progress.WAITING, now)
                _set(session, draft.notices, {"message_id": id_})
            for reason in dict.fromkeys(skipped.values()):
                ids = [id_ for id_, why in skipped.items() if why == reason]
                _set(session, ids, {"skipped": reason})

    def _add(self, session: Session, draft: Draft, state: Progress, now: datetime) -> int:
        row = MessageRow(
            project_id=self._db.project_id,
            channel=draft.channel,
            key=draft.key,
            topic=draft.topic,
            payload=draft.payload,
            state=state.value,
            created_at=now,
            due_at=now,
        )
        session.add(row)
        session.flush()
        return row.id

    def due(self, channel: str, now: datetime) -> list[Message]:
        """The messages that may be sent to a channel now, oldest first: of one topic only the first.

        A later one would be overtaken by it, and bring back an old state.
        """
        row, before = MessageRow, aliased(MessageRow)
        unsent = (Progress.WAITING.value, Progress.CLAIMED.value)
        overtaken = exists().where(
            before.project_id == row.project_id,
            before.channel == row.channel,
            before.topic == row.topic,
            before.topic != "",
            before.id < row.id,
            before.state.in_(unsent),
        )
        query = (
            select(row)
            .where(
                row.project_id == self._db.project_id,
                row.channel == channel,
                row.state.in_(unsent),
                row.due_at <= now,
                ~overtaken,
            )
            .order_by(row.id)
        )
        return self._messages(query)

    def claim(self, message: Message) -> Message:
        """Note that a message is on its way."""
        with self._db.write(quiet=True) as session:
            row = session.get_one(MessageRow, message.id)
            row.state, row.attempts = Progress.CLAIMED.value, row.attempts + 1
            return _message(row)

    def confirm(self, message: Message, receipt: str, now: datetime) -> None:
        """Note that it arrived."""
        self._note(message, state=Progress.SENT.value, receipt=receipt, sent_at=now, error="")

    def postpone(self, message: Message, error: str, due_at: datetime) -> None:
        """Note that it did not, and when to try again."""
        self._note(message, state=Progress.WAITING.value, error=error, due_at=due_at)

    def bury(self, message: Message, error: str) -> None:
        """Note that it never will."""
        self._note(message, state=Progress.DEAD.value, error=error)

    def revive(self, now: datetime) -> int:
        """Give every dead message a new life; how many."""
        row = MessageRow
        dead = (row.project_id == self._db.project_id, row.state == Progress.DEAD.value)
        with self._db.write(quiet=True) as session:
            ids = list(session.scalars(select(row.id).where(*dead)))
            values = {"state": Progress.WAITING.value, "attempts": 0, "due_at": now}
            for batch in batches(ids):
                session.execute(update(row).where(row.id.in_(batch)).values(values))
            return len(ids)

    def unsent(self) -> list[Message]:
        """What waits, is on its way, or is dead, oldest first."""
        row = MessageRow
        wanted = (row.project_id == self._db.project_id, row.state != Progress.SENT.value)
        return self._messages(select(row).where(*wanted).order_by(row.id))

    def counts(self) -> dict[tuple[str, Progress], int]:
        """How many messages there are, by channel and progress."""
        row = MessageRow
        query = (
            select(row.channel, row.state, func.count())
            .where(row.project_id == self._db.project_id)
            .group_by(row.channel, row.state)
        )
        with self._db.read() as session:
            return {(name, Progress(state)): number for name, state, number in session.execute(query)}

    def skipped(self) -> dict[tuple[str, str], int]:
        """How many notices were not told, by channel and reason."""
        row = NoticeRow
        query = (
            select(row.channel, row.skipped, func.count())
            .where(row.project_id == self._db.project_id, row.skipped != "")
            .group_by(row.channel, row.skipped)
        )
        with self._db.read() as session:
            return {(name, why): number for name, why, number in session.execute(query)}

    def last(self, channel: str) -> datetime | None:
        """When the newest message to a channel was made."""
        row = MessageRow
        here = (row.project_id == self._db.project_id, row.channel == channel)
        with self._db.read() as session:
            return session.scalar(select(func.max(row.created_at)).where(*here))

    def receipt(self, channel: str, topic: str) -> str:
        """The newest receipt of a topic; empty when there is none."""
        row = MessageRow
        with self._db.read() as session:
            found = session.scalar(
                select(row.receipt)
                .where(row.project_id == self._db.project_id, row.channel == channel, row.topic == topic)
                .where(row.receipt != "")
                .order_by(row.id.desc())
                .limit(1)
            )
        return found or ""

    def _messages(self, query: object) -> list[Message]:
        with self._db.read() as session:
            return [_message(row) for row in session.scalars(query)]  # type: ignore[call-overload]

    def _note(self, message: Message, **values: object) -> None:
        with self._db.write(quiet=True) as session:
            session.execute(update(MessageRow).where(MessageRow.id == message.id).values(**values))


def _set(session: Session, ids: Sequence[int], values: Mapping[str, object]) -> None:
    for batch in batches(ids):
        session.execute(update(NoticeRow).where(NoticeRow.id.in_(batch)).values(values))


def _message(row: MessageRow) -> Message:
    return Message(
        row.id,
        row.channel,
        row.key,
        row.topic,
        row.payload,
        Progress(row.state),
        row.created_at,
        row.due_at,
        row.attempts,
        row.error,
        row.receipt,
        row.sent_at,
    )

"""The tables of the outbox: what is to be told to whom, and the messages that tell it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from regress.store.models import Base


class MessageRow(Base):
    """One message to one channel, as it will be sent however often it takes.

    ``key`` is what the receiver knows it by; ``payload`` is JSON; ``receipt`` is what the receiver answered,
    such as the number of an issue.
    """

    __tablename__ = "message"
    __table_args__ = (Index(None, "project_id", "channel", "state"), Index(None, "channel", "topic"))
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    channel: Mapped[str]
    key: Mapped[str] = mapped_column(unique=True)
    topic: Mapped[str] = mapped_column(default="", server_default="")
    payload: Mapped[str]
    state: Mapped[str]
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    error: Mapped[str] = mapped_column(default="", server_default="")
    receipt: Mapped[str] = mapped_column(default="", server_default="")
    sent_at: Mapped[datetime | None]


class NoticeRow(Base):
    """News of an event for a channel: told in the message ``message_id``, or not, as ``skipped`` says.

    It is written in the transaction that makes the news.
    """

    __tablename__ = "notice"
    __table_args__ = (Index(None, "project_id", "message_id"), Index(None, "event_id"))
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    channel: Mapped[str]
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"))
    news: Mapped[str]
    at: Mapped[datetime]
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    skipped: Mapped[str] = mapped_column(default="", server_default="")

"""HTTP for channels: strict terms, and errors that name the channel."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from regress.errors import HttpError, NotifyError
from regress.service.net.http import Client, Terms
from regress.service.notify.channel import Setting

ALLOW = "`private = true` in its channel"


def client(setting: Setting) -> Client:
    """Calls on behalf of a channel: private networks and plain http only where it says so, never a proxy."""
    return Client(Terms(private=setting.channel.private, allow=ALLOW))


@contextmanager
def told(channel: str) -> Iterator[None]:
    """What a server did not take, as this channel's NotifyError."""
    try:
        yield
    except HttpError as error:
        raise NotifyError(channel, str(error), final=error.final, wait=error.wait, hint=error.hint) from error

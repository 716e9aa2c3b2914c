"""Sending what waits: in order, and again after a pause where the server is away, until it has all."""

from __future__ import annotations

import ipaddress
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from regress.errors import HttpError, RegressError
from regress.service.net.http import Client, Terms
from regress.service.push.queue import Queue

Listener = Callable[[str, int, int], None]
"""Told before each step: what is going on, how many are done, and of how many."""

PATH = "/api/v1/deliveries"
TERMS = Terms(private=True, proxies=True, seconds=1_800.0, silence=120.0)
"""``checked_url`` has looked at the address. Bodies are large, lines slow, and others may be served first."""

_KEY = {401, 403}
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0


@dataclass(slots=True)
class Sent:
    """What came of it: ``queued`` waits for the next time, ``refused`` are files that are never taken.

    ``answers`` counts the answers by their HTTP status; 0 is none.
    """

    delivered: int = 0
    known: int = 0
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    unplaced: int = 0
    queued: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)
    problem: str = ""
    answers: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Told:
    """Tells the listener what is going on with one body."""

    listen: Listener
    done: int
    total: int

    def __call__(self, step: str) -> None:
        self.listen(step, self.done, self.total)


def checked_url(url: str, *, insecure: bool = False) -> str:
    """A server's address without a trailing slash; RegressError where it is none.

    Plain http to another machine shows the token to whoever listens: only with ``insecure``.
    """
    parts = urlsplit(url)
    try:
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        sound = False
    if (
        not sound
        or parts.username
        or parts.query
        or parts.fragment
        or not url.isascii()
        or not url.isprintable()
    ):
        raise RegressError(f"no server's address: {url!r}", hint="Write https://HOST or http://HOST:PORT.")
    if parts.scheme == "http" and not insecure and not _is_here(parts.hostname or ""):
        hint = "Use https, or pass --insecure where the network is to be trusted."
        raise RegressError(f"plain http to {parts.hostname} would show the token on the way", hint=hint)
    return url.rstrip("/")


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def send(
    queue: Queue,
    token: str,
    *,
    patience: float,
    listen: Listener,
    sleep: Callable[[float], None] = time.sleep,
) -> Sent:
    """Send what waits; give up when the server has been away for ``patience`` seconds, and keep the rest.

    RegressError where the server does not take the token: all stays in the queue.
    """
    sent = Sent()
    with queue.sending():
        waiting = queue.waiting()
        for number, path in enumerate(waiting):
            listen("sending", number, len(waiting))
            told = _Told(listen, number, len(waiting))
            if not _send_one(queue, path, token, patience, sent, told, sleep):
                break
        sent.queued = len(queue.waiting())
    return sent


def _send_one(
    queue: Queue,
    path: Path,
    token: str,
    patience: float,
    sent: Sent,
    tell: _Told,
    sleep: Callable[[float], None],
) -> bool:
    """One body, as often as it takes; False when the server stays away."""
    body, away_since, pause = path.read_bytes(), time.monotonic(), _FIRST_PAUSE
    while True:
        status, answer, wait, again = _post(queue.url + PATH, token, body)
        sent.answers[status] = sent.answers.get(status, 0) + 1
        if status in (200, 201):
            _count(sent, answer)
            queue.done(path)
            return True
        said = str(answer.get("error") or f"HTTP {status}")
        if status in _KEY:
            hint = f"{answer.get('hint') or ''} What is not sent waits in the queue.".strip()
            raise RegressError(f"{queue.url}: {said}", hint=hint)
        if not again:
            aside = queue.refuse(path, said)
            sent.refused.append((str(aside), said))
            return True
        pause = max(wait, pause * random.uniform(0.7, 1.3))  # noqa: S311 # so that not all come back at once
        if time.monotonic() + pause - away_since > patience:
            sent.problem = said
            return False
        tell(f"{said}; again in {pause:.0f} s")
        sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


def _post(url: str, token: str, body: bytes) -> tuple[int, dict[str, Any], float, bool]:
    """Status (0: none), answer, the seconds that the server asks to wait, and whether to try again."""
    headers = {"Authorization": f"Bearer {token}", "Content-Encoding": "gzip"}
    try:
        answer = Client(TERMS).call("POST", url, headers=headers, data=body)
    except HttpError as error:
        said = _json(error.body) if error.status else {"error": f"cannot be reached: {error}"}
        return error.status, said, min(error.wait, _LONGEST_PAUSE), error.soon or not error.status
    return answer.status, _json(answer.body), 0.0, False


def _json(raw: bytes) -> dict[str, Any]:
    try:
        told = json.loads(raw)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _count(sent: Sent, answer: dict[str, Any]) -> None:
    sent.delivered += 1
    sent.known += bool(answer.get("duplicate"))
    for name in ("new", "updated", "unchanged"):
        setattr(sent, name, getattr(sent, name) + int(answer.get(name, 0)))
    sent.unplaced += len(answer.get("unplaced", ()))

"""What handlers get from the application: the store, the site's settings.

Whatever a handler depends on is a coroutine, which waits for nothing: FastAPI gives the others to a thread
each, and a request would wait for its turn there and back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Header, Path, Query, Request

from regress.config import Config
from regress.service.browse import Store

if TYPE_CHECKING:
    from regress.service.attend.bisecting import Bisector


@dataclass(frozen=True, slots=True)
class Site:
    """Settings that pages show. ``commit_url`` has ``{sha}`` in it, or is empty when commits live nowhere."""

    project: str = "Regress"
    commit_url: str = ""

    def commit_link(self, sha: str) -> str:
        """Where the commit can be read, or "" when that is unknown or no web address."""
        if not self.commit_url.startswith(("https://", "http://")):
            return ""
        return self.commit_url.replace("{sha}", sha)


async def _store(request: Request) -> Store:
    store: Store = request.app.state.store
    return store


async def _config(request: Request) -> Config | None:
    config: Config | None = request.app.state.config
    return config


async def _machines(request: Request) -> tuple[str, ...]:
    bisector: Bisector | None = request.app.state.bisector
    return bisector.machines if bisector else ()


StoreDep = Annotated[Store, Depends(_store)]
"""The open store."""

ConfigDep = Annotated[Config | None, Depends(_config)]
"""What the project chose; None: the defaults."""

MachinesDep = Annotated[tuple[str, ...], Depends(_machines)]
"""The names under which this server's host measures, where it does bisections that pages ask for."""

Id = Annotated[int, Path(ge=0, le=2**31 - 1, description="As lists give it.")]
"""The id of a thing in the address; PostgreSQL takes no larger numbers."""

Text = Annotated[str, Query(max_length=200)]
"""A search or filter text."""

Part = Annotated[bool, Header(alias="HX-Request")]
"""Whether htmx asks: for a part of the page, to put in its place."""

_PLACES = {"ge": -(2**31), "le": 2**31 - 1}  # what databases take for a position

First = Annotated[int | None, Query(**_PLACES, description="First position on the branch.")]

Last = Annotated[int | None, Query(**_PLACES, description="Last position on the branch.")]

PageNumber = Annotated[int, Query(ge=1, le=100_000, description="A page of a long list.")]

Branch = Annotated[str | None, Query(max_length=200, description="A branch; the main one when left out.")]

Revision = Annotated[
    str,
    Query(
        max_length=200,
        description="A commit hash or its start, a branch, a tag, `latest`, or one of these with `~N`.",
    ),
]

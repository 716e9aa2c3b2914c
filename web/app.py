"""The application: pages, JSON API and static files over one open store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.middleware.gzip import GZipMiddleware

from regress.config import Config
from regress.service.browse import Store
from web import errors, sharing
from web.ages import Ages
from web.api import router as api_router
from web.api.document import describe
from web.pages import PAGES
from web.render import STATIC
from web.security import Doors, Guard
from web.security.doors import DoorKeeper
from web.state import Site

if TYPE_CHECKING:
    from regress.service.attend.bisecting import Bisector


def create_app(
    database_url: str,
    *,
    config: Config | None = None,
    bisector: Bisector | None = None,
    behind: float = 0.0,
) -> FastAPI:
    """The dashboard over the database at ``database_url``; who may do what, ``[access]`` says.

    The store is opened here, so that a database that cannot be used is a StoreError for the caller and not
    a stack trace of the server; it is closed when the server shuts down. Each request reads afresh: what a
    run stores meanwhile is there on reload. Without ``config`` its defaults hold. ``bisector`` does what
    pages ask for, if any may. ``behind`` is by how many seconds pages may be behind what other processes
    store, so that no reader waits while they do.
    """
    store = Store.open(database_url, tell=config.notify.names if config else ())
    store.answers.behind = behind
    try:
        doors = Doors(config, store)
    except BaseException:
        store.close()
        raise

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            yield
        finally:
            store.close()

    app = FastAPI(
        title="Regress",
        version="1",
        description="What was measured, what changed, and how sure we are.",
        lifespan=lifespan,
        redirect_slashes=False,  # a mistyped address is told so, with what it can have meant
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # its page loads scripts from a CDN; /api is ours
        redoc_url=None,
    )
    app.state.store = store
    app.state.site = _site(config)
    app.state.config = config
    app.state.doors = doors
    app.state.bisector = bisector
    app.add_middleware(Ages)
    app.add_middleware(
        GZipMiddleware, minimum_size=1_000, compresslevel=4
    )  # 9: a sixth less, thrice the time
    app.add_middleware(DoorKeeper, doors=doors)
    app.add_middleware(Guard, hosts=doors.access.hosts)
    errors.install(app)
    app.include_router(api_router)
    for page in PAGES.values():
        app.include_router(page, include_in_schema=False)
    describe(app)
    app.include_router(sharing.router, include_in_schema=False)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


def _site(config: Config | None) -> Site:
    if config is None:
        return Site()
    return Site(config.project.name or config.root.resolve().name, config.web.commit_url)

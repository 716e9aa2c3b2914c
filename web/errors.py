"""Errors at the edge: ``regress.errors`` and HTTP's own, as a page or as JSON, with what to do."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from regress.errors import AccessError, RegressError, StoreError, UnknownNameError, suggest
from web.pages import plain_paths
from web.render import render
from web.security import HEADERS

log = logging.getLogger("regress.web")

_LINKS = {"benchmark": "/benchmarks?q={}", "commit": "/commit/{}", "branch": "/?branch={}"}
"""Kind of an unknown name -> where a near name leads."""


def install(app: FastAPI) -> None:
    """Register the handlers."""
    app.add_exception_handler(RegressError, _regress)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _crash)


def _regress(request: Request, error: Exception) -> Response:
    assert isinstance(error, RegressError)
    if isinstance(error, UnknownNameError):
        links = [
            (name, _LINKS[error.kind].format(quote(name))) for name in error.near if error.kind in _LINKS
        ]
        return _answer(request, 404, str(error), error.hint, links, error.near)
    if isinstance(error, AccessError):
        links = [("log in", "/login")] if error.unknown else []
        return _answer(request, 401 if error.unknown else 403, str(error), error.hint, links)
    return _answer(request, 503 if isinstance(error, StoreError) else 400, str(error), error.hint)


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = "; ".join(f"{'.'.join(map(str, fault['loc'][1:]))}: {fault['msg']}" for fault in error.errors())
    return _answer(request, 422, f"The address asks for something impossible: {faults}", "")


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code != 404:
        answer = _answer(request, error.status_code, error.detail, "")
        answer.headers.update(error.headers or {})  # which methods are allowed, when to try again
        return answer
    near = suggest(request.url.path, plain_paths())
    links = [(path, path) for path in near]
    return _answer(request, 404, f"There is no page at {request.url.path}", "", links, near)


def _crash(request: Request, error: Exception) -> Response:
    log.error("error while answering %s", request.url.path, exc_info=error)
    answer = _answer(
        request, 500, "Something broke here while making this page", "The server's log has the details."
    )
    answer.headers.update(HEADERS)  # this answer is made outside of the Guard middleware
    return answer


def _answer(
    request: Request,
    status: int,
    message: str,
    hint: str,
    links: Iterable[tuple[str, str]] = (),
    near: Iterable[str] = (),
) -> Response:
    if request.url.path.startswith("/api/v1/"):
        return JSONResponse({"error": message, "hint": hint, "near": list(near)}, status)
    return render(
        request, "error.html", status=status, code=status, message=message, hint=hint, links=list(links)
    )

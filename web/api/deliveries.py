"""POST /api/v1/deliveries: where ``regress push`` brings results; all that a token of scope push opens."""

from __future__ import annotations

import math
from typing import Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends, HTTPException, Request, Response
from pydantic import ValidationError

from regress.domain import Deed, Scope
from regress.errors import AccessError
from regress.service.browse import Store
from regress.service.push.wire import Pushed, delivery_of, history_of
from web.api.schema import Problem, Received
from web.security.doors import Doors
from web.security.sessions import Visit

router = APIRouter(tags=["deliveries"])

_AT_ONCE = CapacityLimiter(2)
"""Bodies that are read and stored at a time: the database takes one, and readers need the processor too."""

_SAID = {
    400: "The body is damaged.",
    401: "No token, or one that opens nothing.",
    403: "The token does not open this.",
    408: "The body took too long.",
    413: "The body is too large, packed or unpacked.",
    415: "The body is no JSON, or packed in another way than gzip.",
    429: "Too many at once: see Retry-After.",
}

_OPENAPI: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pushed"}}},
    },
    "security": [{"token": []}],
}


def pushes(request: Request) -> Visit:
    """Whoever has a token of scope push, and not too often; AccessError and HTTPException 429 else."""
    visit: Visit = request.state.visit
    doors: Doors = request.app.state.doors
    if visit.how != "token":
        hint = "Pass one: Authorization: Bearer TOKEN. `regress token new NAME` makes it, on the server."
        raise AccessError("Delivering takes a token", hint=hint, unknown=True)
    if Scope.PUSH not in visit.scopes:
        raise AccessError("This token does not have the scope push")
    if wait := doors.uploads_rate.wait(visit.name):
        raise HTTPException(429, "Too many deliveries: try again", {"Retry-After": str(math.ceil(wait))})
    return visit


pushes.guards_writes = True  # type: ignore[attr-defined] # what the test of all routes looks for


@router.post(
    "/deliveries",
    status_code=201,
    responses={
        200: {"model": Received, "description": "It was known: nothing changed."},
        **{status: {"model": Problem, "description": said} for status, said in _SAID.items()},
    },
    openapi_extra=_OPENAPI,
)
async def deliver(request: Request, response: Response, visit: Visit = Depends(pushes)) -> Received:  # noqa: B008
    """Store a delivery in one transaction, or nothing of it. The same digest again changes nothing."""
    doors: Doors = request.app.state.doors
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "A body is application/json")

    def store() -> Received:
        told = _read(doors.uploads.unpack(request, data))
        deed = Deed(visit.name, "token", "deliver", told.origin, told.digest, visit.address)
        return _receive(doors.store.on_behalf(deed), told)

    async with doors.uploads.body(request) as data:
        received = await to_thread.run_sync(store, limiter=_AT_ONCE)
    if received.duplicate:
        response.status_code = 200
    return received


def _read(raw: bytes) -> Pushed:
    try:
        return Pushed.model_validate_json(raw)
    except ValidationError as error:
        faults = [
            f"{'.'.join(map(str, fault['loc'])) or 'body'}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_input=False, include_context=False)[:3]
        ]
        raise HTTPException(422, "; ".join(faults)) from None


def _receive(store: Store, told: Pushed) -> Received:
    receipt, unplaced = store.receive(delivery_of(told), history_of(told))
    return Received(
        run=receipt.run_id,
        new=receipt.new,
        updated=receipt.updated,
        unchanged=receipt.unchanged,
        failures=receipt.failures,
        duplicate=receipt.duplicate,
        unplaced=list(unplaced),
    )

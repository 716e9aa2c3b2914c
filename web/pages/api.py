"""The JSON API for people: every operation with its parameters, from the OpenAPI document itself."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from web.render import render

router = APIRouter()


@router.get("/api")
def api(request: Request) -> HTMLResponse:
    """Show what the API offers."""
    document = request.app.openapi()
    operations = [
        (method.upper(), path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]
    return render(request, "api.html", operations=operations, document_url=request.app.openapi_url)

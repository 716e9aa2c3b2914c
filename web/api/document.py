"""The OpenAPI document: FastAPI's, with what it cannot know of bodies that are read with limits."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from regress.service.push.wire import Pushed


def describe(app: FastAPI) -> None:
    """Let ``app`` answer with the completed document; it is made when first asked for."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign] # FastAPI's documented way to extend it


def _document(app: FastAPI) -> dict[str, Any]:
    found = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    body = Pushed.model_json_schema(ref_template="#/components/schemas/{model}")
    parts = found["components"]
    parts["schemas"] |= {"Pushed": body, **body.pop("$defs")}
    token = {"type": "http", "scheme": "bearer", "description": "`regress token new` makes one."}
    parts["securitySchemes"] = {"token": token}
    return found

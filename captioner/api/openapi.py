"""The OpenAPI document of the HTTP service, made from its routes. Pure."""

from __future__ import annotations

import json
import re
from importlib.metadata import version
from typing import Any

from pydantic import TypeAdapter

from captioner.api.routes import ROUTES, Route

_PROBLEM = {
    "type": "object",
    "required": ["status", "title", "detail"],
    "properties": {
        "status": {"type": "integer"},
        "title": {"type": "string"},
        "detail": {"type": "string", "description": "What is wrong, and what to do."},
    },
}
_ALWAYS = {
    400: "The request is not understood.",
    401: "No token, or not one that is signed with the API secret and has not expired.",
    403: "The token does not make its bearer the administrator of this room, or the bot refuses.",
    429: "Too many requests; Retry-After says when to come back.",
    503: "The media server, or the bot, does not answer; try again.",
}
_WITH_BODY = {408: "The body did not come in time.", 413: "The body is too long."}
_BY_BOT = {502: "The bot's answer is not understood: versions are too far apart."}
_ABOUT = (
    "Captions and transcripts of LiveKit rooms. Each request carries a LiveKit token, signed with"
    " the API key and secret, whose grant is roomAdmin of the room that it is about. Other methods"
    " than these are answered with 405."
)


def document() -> dict[str, Any]:
    """Return it, as OpenAPI 3.1."""
    schemas: dict[str, Any] = {"Problem": _PROBLEM}
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Live captions", "version": version("live-captions"), "description": _ABOUT,
        },
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            },
        },
    }  # fmt: skip


def _operation(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    names = re.findall(r"{(\w+)}", route.path)
    done: dict[str, Any] = {"description": "Done."}
    if route.answer is str:
        done["content"] = {"text/vtt": {"schema": {"type": "string"}}}
    elif route.answer:
        done["content"] = {"application/json": {"schema": _schema(route.answer, schemas)}}
    refusals = _ALWAYS | dict(route.refusals)
    refusals |= (_WITH_BODY if route.body else {}) | (_BY_BOT if route.asks else {})
    refused = {
        str(status): {
            "description": why,
            "content": {
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
            },
        }
        for status, why in sorted(refusals.items())
    }
    operation: dict[str, Any] = {
        "operationId": f"{route.method.lower()}_{'_'.join(re.findall('[a-z]+', route.path)[2:])}",
        "summary": route.summary,
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in names
        ],
        "responses": {str(route.status): done, **refused},
    }
    if route.body:
        content = {"application/json": {"schema": _schema(route.body, schemas)}}
        schemas[route.body.__name__]["additionalProperties"] = False
        operation["requestBody"] = {"required": route.method != "PUT", "content": content}
    return operation


def _schema(kind: Any, schemas: dict[str, Any]) -> dict[str, str]:
    """A reference to the type's schema, which is among ``schemas`` then."""
    made = TypeAdapter(kind).json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(made.pop("$defs", {}))
    schemas[kind.__name__] = made
    return {"$ref": f"#/components/schemas/{kind.__name__}"}


if __name__ == "__main__":
    print(json.dumps(document(), indent=1, ensure_ascii=False))

"""Which route a message takes, and what a proxy integration's answer means on a WebSocket."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from local.gateway.integration import IntegrationFailed

if TYPE_CHECKING:
    from local.gateway.model import WebSocketApi, WebSocketRoute

_FIELD = re.compile(r"\$\{request\.body\.([\w.-]+)\}|\$request\.body\.([\w.-]+)")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_RESERVED = ("$connect", "$disconnect")


def select_route(api: WebSocketApi, text: str) -> WebSocketRoute | None:
    """The route the selection expression names, else $default, else none."""
    key = _selected_key(api.selection_expression, text)
    if key is not None and key in api.routes and key not in _RESERVED:
        return api.routes[key]
    return api.routes.get("$default")


def _selected_key(expression: str, text: str) -> str | None:
    """The expression's value; None for a message without one, as for a text that is no JSON."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return None
    values = [_field(body, match[1] or match[2]) for match in _FIELD.finditer(expression)]
    if not values or None in values:
        return None
    found = iter(values)
    return _FIELD.sub(lambda _: next(found) or "", expression)


def _field(body: Any, path: str) -> str | None:
    for name in path.split("."):
        if not isinstance(body, dict) or name not in body:
            return None
        body = body[name]
    if isinstance(body, str):
        return body
    return json.dumps(body) if isinstance(body, bool | int | float) else None


def valid(reply: Any) -> dict[str, Any]:
    """A proxy integration must answer with an object; its status, where given, must be one."""
    if not isinstance(reply, dict):
        raise IntegrationFailed("not an object")
    try:
        status = int(reply.get("statusCode", 200))
    except (TypeError, ValueError) as error:
        raise IntegrationFailed("no status") from error
    if not 200 <= status <= 599:
        raise IntegrationFailed("no status")
    return {**reply, "statusCode": status}


def subprotocol_of(reply: dict[str, Any]) -> str | None:
    """Confirmed only if the function says so."""
    headers = reply.get("headers")
    for name, value in (headers if isinstance(headers, dict) else {}).items():
        if name.lower() == "sec-websocket-protocol":
            if not isinstance(value, str) or not _TOKEN.fullmatch(value):
                raise IntegrationFailed("no name of a subprotocol")
            return value
    return None


def body_of(reply: dict[str, Any], limit: int) -> str:
    """What a route response carries: the body alone, whatever the status."""
    body = reply.get("body")
    if body is None:
        return ""
    try:
        fits = isinstance(body, str) and len(body.encode()) <= limit
    except UnicodeEncodeError:  # half of a pair of surrogates
        fits = False
    if not fits:
        raise IntegrationFailed("the body is no text a message can carry")
    return str(body)

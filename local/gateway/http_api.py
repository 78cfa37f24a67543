"""An HTTP API: route selection, payload format 2.0 in both directions, IAM routes."""

from __future__ import annotations

import base64
import binascii
import json
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from local.gateway.events import Peer, forwarded, gateway_id, trace_id
from local.gateway.http_events import HttpRequest, decoded_path, http_event
from local.gateway.integration import IntegrationFailed, IntegrationTimedOut
from local.gateway.report import Served
from local.gateway.sigv4 import SignatureRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request

    from local.gateway.integration import Integrations
    from local.gateway.limits import Limits
    from local.gateway.model import HttpApi, HttpRoute
    from local.gateway.report import Report
    from local.gateway.sigv4 import Credentials, Keyring

_DEFAULT = "$default"
_OWN_HEADERS = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding"})
_BODILESS = (204, 304)
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
SERVICE = "execute-api"


class BodyTooLarge(Exception):
    """More than an HTTP API takes."""


@dataclass(frozen=True, slots=True)
class Match:
    """A route and what its path variables stand for."""

    route: HttpRoute
    parameters: Mapping[str, str]


def select_route(api: HttpApi, method: str, path: str) -> Match | None:
    """The most specific route: a full match, then a greedy one, then $default."""
    found = [
        (_rank(route), Match(route, parameters))
        for route in api.routes
        if route.method in (method, "ANY") or route.path == _DEFAULT
        if (parameters := _parameters(route.path, path)) is not None
    ]
    return min(found, key=lambda ranked: ranked[0])[1] if found else None


def _rank(route: HttpRoute) -> tuple[Any, ...]:
    """Least is most specific: no greedy variable, literals early, a method of its own."""
    if route.path == _DEFAULT:
        return (2,)
    segments = route.path.split("/")
    kinds = [2 if part.endswith("+}") else 1 if part.startswith("{") else 0 for part in segments]
    return (int(2 in kinds), kinds, -len(kinds), route.method == "ANY")


def _parameters(pattern: str, path: str) -> dict[str, str] | None:
    """The path variables, or None where the pattern does not match."""
    if pattern == _DEFAULT:
        return {}
    parameters: dict[str, str] = {}
    wanted, given = pattern.split("/"), path.split("/")
    for position, part in enumerate(wanted):
        if part.endswith("+}"):
            rest = "/".join(given[position:])
            return {**parameters, part[1:-2]: rest} if rest else None
        if position >= len(given):
            return None
        if part.startswith("{") and given[position]:
            parameters[part[1:-1]] = given[position]
        elif part != given[position]:
            return None
    return parameters if len(wanted) == len(given) else None


class HttpEndpoint:
    """Serves one HTTP API of the model."""

    def __init__(
        self,
        api: HttpApi,
        integrations: Integrations,
        keyring: Keyring,
        limits: Limits,
        account_id: str,
        report: Callable[[Report], None],
    ) -> None:
        self.api = api
        self._integrations = integrations
        self._keyring = keyring
        self._limits = limits
        self._account_id = account_id
        self._report = report

    def match(self, method: str, raw_path: str) -> Match | None:
        """The route that takes a request, or None. A named stage is the first segment."""
        path = decoded_path(raw_path)
        if self.api.stage != _DEFAULT:
            prefix, path = path[: len(self.api.stage) + 1], path[len(self.api.stage) + 1 :]
            if prefix != f"/{self.api.stage}" or path[:1] not in ("", "/"):
                return None
        return select_route(self.api, method, path or "/")

    async def serve(self, request: Request, match: Match) -> Response:
        """One request through its route's function; every failure is AWS's own answer."""
        started, request_id = time.monotonic(), gateway_id()
        try:
            response = await self._respond(request, match, request_id)
        except BodyTooLarge:
            response = _refusal(413, "Request Entity Too Large")
        except SignatureRefused:
            response = _refusal(403, "Forbidden")
        except IntegrationTimedOut:
            response = _refusal(503, "Service Unavailable")
        except IntegrationFailed:
            response = _refusal(500, "Internal Server Error")
        response.headers["apigw-requestid"] = request_id
        took = (time.monotonic() - started) * 1000
        target = f"{request.method} {request.url.path}"
        self._report(Served("HTTP", target, response.status_code, took))
        return response

    async def _respond(self, request: Request, match: Match, request_id: str) -> Response:
        body = await read_body(request, self._limits.http_body_bytes)
        caller: Credentials | None = None
        if match.route.iam:
            caller = await self._keyring.authenticate(request, body, SERVICE)
        event = http_event(
            self.api,
            match.route,
            received(request, body, datetime.now(UTC)),
            match.parameters,
            account_id=self._account_id,
            caller=caller,
            request_id=request_id,
            now=datetime.now(UTC),
        )
        patience = min(match.route.timeout_s, self._limits.http_integration_s)
        return reply_of(
            await self._integrations.ask(match.route.function, event, within_s=patience)
        )


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body; too large a one is read to its end, so that the client hears of it."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size <= limit:
            parts.append(part)
    if size > limit:
        raise BodyTooLarge
    return b"".join(parts)


def received(request: Request, body: bytes, now: datetime) -> HttpRequest:
    """The request as events describe it."""
    peer = Peer(request.client.host if request.client else "", request.headers.get("user-agent"))
    headers = tuple((k.decode("latin-1"), v.decode("latin-1")) for k, v in request.headers.raw)
    port = request.scope["server"][1]
    return HttpRequest(
        method=request.method,
        path=decoded_path(request.scope["raw_path"].decode("latin-1")),
        query=request.scope["query_string"].decode("latin-1"),
        headers=forwarded(headers, peer, port=port, trace_id=trace_id(now)),
        body=body,
        peer=peer,
        protocol=f"HTTP/{request.scope['http_version']}",
    )


def reply_of(answer: Any) -> Response:
    """A function's answer in format 2.0; one without statusCode is the body itself, as JSON."""
    if not isinstance(answer, dict) or "statusCode" not in answer:
        text = answer if isinstance(answer, str) else json.dumps(answer, separators=(",", ":"))
        return Response(text, media_type="application/json")
    status = _status(answer["statusCode"])
    response = Response(b"" if status in _BODILESS else _content(answer), status)
    for name, value in _headers(answer).items():
        response.headers[name] = value
    if "content-type" not in response.headers and response.body:
        response.headers["content-type"] = "text/plain;charset=UTF-8"
    cookies = answer.get("cookies") or []
    if not isinstance(cookies, list):
        raise IntegrationFailed("cookies are no list")
    for cookie in cookies:
        response.headers.append("set-cookie", _header_value(cookie))
    return response


def _headers(answer: dict[str, Any]) -> dict[str, str]:
    headers = answer.get("headers") or {}
    if not isinstance(headers, dict) or not all(_NAME.fullmatch(name) for name in headers):
        raise IntegrationFailed("headers are no object of names and values")
    return {
        name: _header_value(value)
        for name, value in headers.items()
        if name.lower() not in _OWN_HEADERS
    }


def _status(value: Any) -> int:
    try:
        status = int(value)
    except (TypeError, ValueError) as error:
        raise IntegrationFailed("statusCode is no number") from error
    if not 200 <= status <= 599:
        raise IntegrationFailed("statusCode out of range")
    return status


def _content(answer: dict[str, Any]) -> bytes:
    body = answer.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise IntegrationFailed("the body is no text")
    if not answer.get("isBase64Encoded"):
        return body.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise IntegrationFailed("the body is no base64") from error


def _header_value(value: Any) -> str:
    """As it may stand in a header: a line break in it would be another header."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if not isinstance(value, str | int | float) or not _VALUE.fullmatch(text):
        raise IntegrationFailed("a header's value is no text")
    return text


def _refusal(status: int, message: str) -> Response:
    return JSONResponse({"message": message}, status)

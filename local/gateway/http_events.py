"""The event of an HTTP API, payload format 2.0, field by field as AWS documents it."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

from local.gateway.events import HOP_BY_HOP, clf_time, epoch_ms, grouped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from local.gateway.events import Event, Headers, Peer
    from local.gateway.model import HttpApi, HttpRoute
    from local.gateway.sigv4 import Credentials

_TEXT_TYPES = ("application/json", "application/xml", "application/javascript")
_NOT_IN_V2 = HOP_BY_HOP | {"cookie"}


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """An HTTP request as received; `path` is decoded, and begins with a named stage."""

    method: str
    path: str
    query: str
    headers: Headers
    body: bytes
    peer: Peer
    protocol: str = "HTTP/1.1"

    def header(self, name: str) -> str | None:
        """The first header of this name, whatever its case."""
        return next((value for key, value in self.headers if key.lower() == name), None)


def http_event(
    api: HttpApi,
    route: HttpRoute,
    request: HttpRequest,
    path_parameters: Mapping[str, str],
    *,
    account_id: str,
    caller: Credentials | None,
    request_id: str,
    now: datetime,
) -> Event:
    """Payload format 2.0; what a request does not have is not in the event."""
    event: Event = {
        "version": "2.0",
        "routeKey": route.key,
        "rawPath": request.path,
        "rawQueryString": request.query,
        "headers": _joined((k, v) for k, v in _lower(request.headers) if k not in _NOT_IN_V2),
        "requestContext": _http_context(api, route, request, account_id, caller, request_id, now),
        "isBase64Encoded": bool(request.body) and not _is_text(request.header("content-type")),
    }
    if cookies := _cookies(request.headers):
        event["cookies"] = cookies
    if pairs := parse_qsl(request.query, keep_blank_values=True):
        event["queryStringParameters"] = _joined(pairs)
    if path_parameters:
        event["pathParameters"] = dict(path_parameters)
    if request.body:
        encoded = event["isBase64Encoded"]
        body = base64.b64encode(request.body) if encoded else request.body
        event["body"] = body.decode("utf-8", "replace")
    return event


def _http_context(
    api: HttpApi,
    route: HttpRoute,
    request: HttpRequest,
    account_id: str,
    caller: Credentials | None,
    request_id: str,
    now: datetime,
) -> Event:
    domain = request.header("host") or ""
    context: Event = {
        "accountId": account_id,
        "apiId": api.api_id,
        "domainName": domain,
        "domainPrefix": domain.partition(".")[0],
        "http": {
            "method": request.method,
            "path": request.path,
            "protocol": request.protocol,
            "sourceIp": request.peer.source_ip,
            "userAgent": request.peer.user_agent or "",
        },
        "requestId": request_id,
        "routeKey": route.key,
        "stage": api.stage,
        "time": clf_time(now),
        "timeEpoch": epoch_ms(now),
    }
    if caller is not None:
        context["authorizer"] = {"iam": _iam(caller, account_id)}
    return context


def _iam(caller: Credentials, account_id: str) -> Event:
    """The caller of an IAM route: a session of a role, in STS's words."""
    user_id = f"AROA{caller.access_key[4:]}:{caller.principal_arn.rsplit('/', 1)[-1]}"
    return {
        "accessKey": caller.access_key,
        "accountId": account_id,
        "callerId": user_id,
        "cognitoIdentity": None,
        "principalOrgId": None,
        "userArn": caller.principal_arn,
        "userId": user_id,
    }


def _lower(headers: Headers) -> Iterator[tuple[str, str]]:
    return ((name.lower(), value) for name, value in headers)


def _is_text(content_type: str | None) -> bool:
    """What an HTTP API hands on as text; forms and requests without a type come as base64."""
    essence = (content_type or "").partition(";")[0].strip().lower()
    return essence.startswith("text/") or essence in _TEXT_TYPES


def _cookies(headers: Headers) -> list[str]:
    found = [value for name, value in headers if name.lower() == "cookie"]
    return [cookie for value in found for part in value.split(";") if (cookie := part.strip())]


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Repeated names joined with commas, as payload format 2.0 does."""
    return {name: ",".join(values) for name, values in grouped(pairs).items()}


def decoded_path(raw_path: str) -> str:
    """The path as HTTP APIs hand it on: percent-decoded, rawPath too."""
    return unquote(raw_path)

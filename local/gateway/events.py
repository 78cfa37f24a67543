"""The events of a WebSocket API, field by field as captured from AWS, and what all events share."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from local.gateway.model import WebSocketApi

Event = dict[str, Any]
Headers = tuple[tuple[str, str], ...]  # as received: any case, any order, repeated

_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()  # noqa: SIM905
HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "upgrade"})

# What AWS calls a close that came without words of its own. 1000, 1001 and 1005 were captured.
CLOSE_REASONS: Mapping[int, str] = {
    1000: "Connection Closed Normally",
    1001: "Going away",
    1003: "Unsupported data",
    1005: "Client-side close frame status not set",
    1006: "Connection closed abnormally",
    1009: "Message too big",
}


def gateway_id() -> str:
    """A connection, message or request id in API Gateway's shape: BFHPhfCWIAMCKlQ=."""
    return base64.urlsafe_b64encode(secrets.token_bytes(11)).decode()


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end of a connection or request."""

    source_ip: str
    user_agent: str | None

    def identity(self) -> dict[str, str]:
        """The identity block of WebSocket events; no userAgent where the client sent none."""
        known = {} if self.user_agent is None else {"userAgent": self.user_agent}
        return {**known, "sourceIp": self.source_ip}


@dataclass(frozen=True, slots=True)
class Socket:
    """What stays the same for all events of one WebSocket connection."""

    api: WebSocketApi
    connection_id: str
    domain_name: str
    peer: Peer
    connected_at: datetime


def connect_event(
    socket: Socket, headers: Headers, query: str, *, request_id: str, now: datetime
) -> Event:
    """$connect: the only WebSocket event with the client's headers and query."""
    kept = [(_cased(k), v) for k, v in headers if k.lower() not in HOP_BY_HOP]
    event: Event = {
        "headers": dict(kept),
        "multiValueHeaders": grouped(kept),
        "requestContext": _socket_context(socket, "$connect", "CONNECT", request_id, now),
        "isBase64Encoded": False,
    }
    pairs = parse_qsl(query, keep_blank_values=True)
    if pairs:
        event["queryStringParameters"] = dict(pairs)
        event["multiValueQueryStringParameters"] = grouped(pairs)
    return event


def message_event(
    socket: Socket, route_key: str, body: str, *, request_id: str, message_id: str, now: datetime
) -> Event:
    """A message: no headers, no query."""
    context = _socket_context(socket, route_key, "MESSAGE", request_id, now)
    return {
        "requestContext": {**context, "messageId": message_id},
        "body": body,
        "isBase64Encoded": False,
    }


def disconnect_event(
    socket: Socket, code: int, reason: str, *, request_id: str, now: datetime
) -> Event:
    """$disconnect: four headers of API Gateway's own, and how the connection ended."""
    context = _socket_context(socket, "$disconnect", "DISCONNECT", request_id, now)
    headers = {"Host": socket.domain_name, "x-api-key": "", "X-Forwarded-For": "", "x-restapi": ""}
    return {
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "requestContext": {
            **context,
            "disconnectStatusCode": code,
            "disconnectReason": reason or CLOSE_REASONS.get(code, ""),
        },
        "isBase64Encoded": False,
    }


def _socket_context(
    socket: Socket, route_key: str, event_type: str, request_id: str, now: datetime
) -> Event:
    return {
        "routeKey": route_key,
        "eventType": event_type,
        "extendedRequestId": request_id,
        "requestTime": clf_time(now),
        "messageDirection": "IN",
        "stage": socket.api.stage,
        "connectedAt": epoch_ms(socket.connected_at),
        "requestTimeEpoch": epoch_ms(now),
        "identity": socket.peer.identity(),
        "requestId": request_id,
        "domainName": socket.domain_name,
        "connectionId": socket.connection_id,
        "apiId": socket.api.api_id,
    }


def _cased(name: str) -> str:
    """WebSocket events spell headers as browsers do: Sec-WebSocket-Key, not sec-websocket-key."""
    words = "-".join(word.capitalize() for word in name.split("-"))
    return words.replace("Websocket", "WebSocket")


def grouped(pairs: Iterable[Sequence[str]]) -> dict[str, list[str]]:
    """All values of each name, in their order."""
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return values


def forwarded(headers: Headers, peer: Peer, *, port: int, trace_id: str) -> Headers:
    """The headers with those API Gateway adds on the way in."""
    before = [value for name, value in headers if name.lower() == "x-forwarded-for"]
    own = {
        "X-Amzn-Trace-Id": trace_id,
        "X-Forwarded-For": ", ".join([*before, peer.source_ip]),
        "X-Forwarded-Port": str(port),
        "X-Forwarded-Proto": "http",
    }
    replaced = {name.lower() for name in own}
    kept = tuple((name, value) for name, value in headers if name.lower() not in replaced)
    return kept + tuple(own.items())


def trace_id(now: datetime) -> str:
    """A trace id for X-Amzn-Trace-Id."""
    return f"Root=1-{int(now.timestamp()):08x}-{secrets.token_hex(12)}"


def clf_time(moment: datetime) -> str:
    """11/Nov/2024:11:35:24 +0000, whatever the locale."""
    utc = moment.astimezone(UTC)
    return f"{utc:%d}/{_MONTHS[utc.month - 1]}/{utc:%Y:%H:%M:%S} +0000"


def epoch_ms(moment: datetime) -> int:
    """Milliseconds since 1970."""
    return int(moment.timestamp() * 1000)

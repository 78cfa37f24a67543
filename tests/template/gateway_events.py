"""Events as API Gateway documents them: WebSocket, and HTTP API with payload version 2.0."""

from __future__ import annotations

import json
from typing import Any

Event = dict[str, Any]
CONNECTION = "BFHPhfCWIAMCKlQ="
ORIGIN = "http://127.0.0.1:8000"


def connect(**headers: str) -> Event:
    """$connect, with the headers of a browser that has none of ours but these."""
    sent = {"Host": "abc123.execute-api.us-east-1.amazonaws.com", **headers}
    return {
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        **_socket("$connect", "CONNECT"),
    }


def message(**frame: object) -> Event:
    """$default: no headers, no query."""
    event = _socket("$default", "MESSAGE", messageId="BFHPic05oAMCKlQ=")
    return {**event, "body": json.dumps(frame)}


def disconnect() -> Event:
    """$disconnect, after a close without a status."""
    return _socket(
        "$disconnect",
        "DISCONNECT",
        disconnectStatusCode=1005,
        disconnectReason="Client-side close frame status not set",
    )


def _socket(route_key: str, event_type: str, **more: object) -> Event:
    context = {
        "routeKey": route_key,
        "eventType": event_type,
        "extendedRequestId": "BFHPhFnHoAMFXzQ=",
        "requestTime": "21/Nov/2026:05:00:00 +0000",
        "messageDirection": "IN",
        "stage": "ws",
        "connectedAt": 1795237200000,
        "requestTimeEpoch": 1795237200001,
        "identity": {"sourceIp": "192.0.2.1"},
        "requestId": "BFHPhFnHoAMFXzQ=",
        "domainName": "abc123.execute-api.us-east-1.amazonaws.com",
        "connectionId": CONNECTION,
        "apiId": "abc123",
    }
    return {"requestContext": {**context, **more}, "isBase64Encoded": False}


def get(path: str, *, route: str | None = None, cookies: tuple[str, ...] = ()) -> Event:
    """An HTTP API's GET; `route` is the path with its parameters unfilled."""
    return {
        "version": "2.0",
        "routeKey": f"GET {route or path}",
        "rawPath": path,
        "rawQueryString": "",
        "cookies": list(cookies),
        "headers": {"host": "abc123.execute-api.us-east-1.amazonaws.com", "accept": "*/*"},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abc123",
            "domainName": "abc123.execute-api.us-east-1.amazonaws.com",
            "domainPrefix": "abc123",
            "http": {
                "method": "GET",
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "test",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": f"GET {route or path}",
            "stage": "$default",
            "time": "21/Nov/2026:05:00:00 +0000",
            "timeEpoch": 1795237200000,
        },
        "isBase64Encoded": False,
    }

"""/{stage}/@connections/{id}: how functions talk to browsers, with boto3's own errors."""

from __future__ import annotations

import json
import re
from datetime import UTC
from typing import TYPE_CHECKING
from urllib.parse import unquote

from starlette.responses import JSONResponse, Response

from local.gateway.connections import BufferFull
from local.gateway.sigv4 import SignatureRefused

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from starlette.requests import Request

    from local.gateway.connections import Connection, Connections
    from local.gateway.limits import Limits
    from local.gateway.model import WebSocketApi
    from local.gateway.sigv4 import Keyring

_PATH = re.compile(r"/(?P<stage>[^/]+)/(?:@|%40)connections/(?P<id>[^/]+)")
SERVICE = "execute-api"


def addressed(raw_path: str) -> tuple[str, str] | None:
    """The stage and the connection id a path names; ids arrive with `=` or with `%3D`."""
    match = _PATH.fullmatch(raw_path)
    return (unquote(match["stage"]), unquote(match["id"])) if match else None


def refused(status: int, error_type: str, message: str | None = None) -> Response:
    """An error as boto3 turns it into its modelled exception."""
    body = {} if message is None else {"message": message}
    return JSONResponse(body, status, headers={"x-amzn-ErrorType": error_type})


class ConnectionsApi:
    """POST, GET and DELETE on open connections, for callers with a signature."""

    def __init__(
        self,
        connections: Connections,
        keyring: Keyring,
        limits: Limits,
        api_of_stage: Callable[[str], WebSocketApi | None],
    ) -> None:
        self._connections = connections
        self._keyring = keyring
        self._limits = limits
        self._api_of_stage = api_of_stage

    async def serve(self, request: Request, stage: str, connection_id: str) -> Response:
        """One call. A connection that is not accepted yet is as gone as one that has left."""
        body = await request.body()
        try:
            await self._keyring.authenticate(request, body, SERVICE)
        except SignatureRefused as error:
            return refused(error.status, error.error_type, error.message)
        api = self._api_of_stage(stage)
        if api is None or request.method not in ("POST", "GET", "DELETE"):
            return refused(403, "ForbiddenException", "Forbidden")
        connection = self._connections.find(api.api_id, connection_id)
        if connection is None:
            return refused(410, "GoneException")
        if request.method == "GET":
            return _description(connection)
        if request.method == "DELETE":
            connection.close(1000, "Connection Closed Normally")
            return Response(status_code=204)
        return self._post(connection, body)

    def _post(self, connection: Connection, body: bytes) -> Response:
        """200 means: queued in order. What the client makes of it, nobody knows."""
        if len(body) > self._limits.message_bytes:
            return refused(413, "PayloadTooLargeException", "Payload Too Large")
        try:
            connection.post(body.decode("utf-8", "replace"))
        except BufferFull:
            return refused(429, "LimitExceededException")
        return Response()


def _description(connection: Connection) -> Response:
    peer = connection.socket.peer
    content = {
        "connectedAt": _iso(connection.socket.connected_at),
        "identity": {"sourceIp": peer.source_ip, "userAgent": peer.user_agent or ""},
        "lastActiveAt": _iso(connection.last_active_at),
    }
    return Response(json.dumps(content), media_type="application/json")


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

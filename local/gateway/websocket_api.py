"""A WebSocket API: handshakes, messages and disconnects, as API Gateway hands them to functions."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from local.gateway.connections import BufferFull, Connection
from local.gateway.events import (
    Peer,
    Socket,
    connect_event,
    disconnect_event,
    forwarded,
    gateway_id,
    message_event,
    trace_id,
)
from local.gateway.integration import IntegrationFailed, IntegrationTimedOut
from local.gateway.report import Served
from local.gateway.websocket_routes import body_of, select_route, subprotocol_of, valid

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Receive, Scope, Send

    from local.gateway.connections import Close, Connections
    from local.gateway.events import Headers
    from local.gateway.integration import Integrations
    from local.gateway.limits import Limits
    from local.gateway.model import WebSocketApi, WebSocketRoute
    from local.gateway.report import Report

FORBIDDEN = "Forbidden"
FAILED = "Internal server error"
TIMED_OUT = "Endpoint request timed out"


class HandshakeRefused(Exception):
    """The client gets this status instead of a connection."""

    def __init__(self, status: int, message: str | None = None) -> None:
        super().__init__(message or str(status))
        self.status = status
        self.message = message


class WebSocketEndpoint:
    """Serves one WebSocket API of the model."""

    def __init__(
        self,
        api: WebSocketApi,
        integrations: Integrations,
        connections: Connections,
        limits: Limits,
        report: Callable[[Report], None],
    ) -> None:
        self.api = api
        self._integrations = integrations
        self._connections = connections
        self._limits = limits
        self._report = report

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection, from the handshake until nobody is left."""
        await receive()  # websocket.connect
        started = time.monotonic()
        socket, headers = _arrived(self.api, scope)
        try:
            subprotocol = await self._connect(socket, headers, scope["query_string"].decode())
        except HandshakeRefused as refused:
            self._served("CONNECT", scope["path"], refused.status, started, socket.connection_id)
            with suppress(OSError):
                await _refusal(refused, socket)(scope, receive, send)
            return
        self._served("CONNECT", scope["path"], 101, started, socket.connection_id)
        connection = Connection(socket, self._limits, time.monotonic)
        self._connections.add(connection)
        code, reason = 1006, ""
        try:
            with suppress(OSError):  # the client is gone before it heard that it was let in
                await send({"type": "websocket.accept", "subprotocol": subprotocol, "headers": []})
                code, reason = await self._converse(connection, receive, send)
        finally:
            self._connections.remove(connection)
            self._integrations.start(self._disconnect(connection, code, reason))

    async def _connect(self, socket: Socket, headers: Headers, query: str) -> str | None:
        """Asks $connect; the connection cannot be posted to before this returned."""
        route = self.api.routes.get("$connect")
        if route is None:
            return None
        event = connect_event(
            socket, headers, query, request_id=gateway_id(), now=datetime.now(UTC)
        )
        try:
            reply = valid(await self._ask(route, event))
            subprotocol = subprotocol_of(reply)
        except IntegrationTimedOut:
            raise HandshakeRefused(504, TIMED_OUT) from None
        except IntegrationFailed:
            raise HandshakeRefused(502, FAILED) from None
        if not 200 <= reply["statusCode"] <= 299:
            raise HandshakeRefused(reply["statusCode"])
        return subprotocol

    async def _ask(self, route: WebSocketRoute, event: Any) -> Any:
        patience = min(route.timeout_s, self._limits.integration_s)
        return await self._integrations.ask(route.function, event, within_s=patience)

    async def _converse(
        self, connection: Connection, receive: Receive, send: Send
    ) -> tuple[int, str]:
        """Until the connection ends, by whichever side; how it ended."""

        async def say(text: str) -> None:
            await send({"type": "websocket.send", "text": text})

        async def end(close: Close) -> None:
            await send({"type": "websocket.close", "code": close.code, "reason": close.reason})

        reading = asyncio.create_task(self._read(connection, receive))
        writing = asyncio.create_task(connection.write(say, end))
        ending = asyncio.create_task(connection.outlive())
        try:
            await asyncio.wait({reading, ending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (reading, writing, ending):
                task.cancel()
            await asyncio.wait({reading, writing, ending})
        if connection.closed_with is not None:
            return connection.closed_with.code, ""
        return reading.result()

    async def _read(self, connection: Connection, receive: Receive) -> tuple[int, str]:
        """Starts each message on its own; returns the code and reason of the client's close."""
        slots = asyncio.Semaphore(self._limits.messages_at_once)
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                # A close frame brings a reason, if an empty one; a client that vanished does not.
                known = "reason" in message
                return (int(message["code"]), message["reason"]) if known else (1006, "")
            if connection.closed_with is not None:
                continue  # said after the goodbye, heard by nobody
            connection.touch()
            text = message.get("text")
            if text is None:
                connection.close(1003)
                continue
            await slots.acquire()
            work = self._integrations.start(self._answer(connection, text))
            work.add_done_callback(lambda _: slots.release())

    async def _answer(self, connection: Connection, text: str) -> None:
        """One message through its route; errors go back to the client as frames."""
        started, request_id = time.monotonic(), gateway_id()
        route = select_route(self.api, text)
        status, words = 200, None
        if route is None:
            status, words = 403, FORBIDDEN
        else:
            try:
                reply = await self._route(connection, route, text, request_id)
                if route.has_response:
                    self._post(connection, body_of(reply, self._limits.message_bytes))
            except IntegrationTimedOut:
                status, words = 504, TIMED_OUT
            except IntegrationFailed:
                status, words = 500, FAILED
        if words is not None:
            self._post(connection, _frame(words, connection.id, request_id))
        key = route.key if route else "no route"
        self._served("MESSAGE", key, status, started, connection.id)

    async def _route(
        self, connection: Connection, route: WebSocketRoute, text: str, request_id: str
    ) -> dict[str, Any]:
        event = message_event(
            connection.socket,
            route.key,
            text,
            request_id=request_id,
            message_id=gateway_id(),
            now=datetime.now(UTC),
        )
        return valid(await self._ask(route, event))

    async def _disconnect(self, connection: Connection, code: int, reason: str) -> None:
        """Best effort: whatever the function makes of it, the connection is gone."""
        started, route = time.monotonic(), self.api.routes.get("$disconnect")
        if route is not None:
            event = disconnect_event(
                connection.socket, code, reason, request_id=gateway_id(), now=datetime.now(UTC)
            )
            with suppress(IntegrationFailed, IntegrationTimedOut):
                await self._ask(route, event)
        self._served("DISCONNECT", f"/{self.api.stage}", code, started, connection.id)

    def _post(self, connection: Connection, text: str) -> None:
        if text and connection.closed_with is None:
            with suppress(BufferFull):
                connection.post(text)

    def _served(self, kind: str, target: str, status: int, started: float, about: str) -> None:
        took = (time.monotonic() - started) * 1000
        self._report(Served(kind, target, status, took, about))


def _arrived(api: WebSocketApi, scope: Scope) -> tuple[Socket, Headers]:
    """A new connection and its headers as $connect sees them."""
    headers = tuple((k.decode("latin-1"), v.decode("latin-1")) for k, v in scope["headers"])
    known = dict(headers)
    peer = Peer(scope["client"][0], known.get("user-agent"))
    now = datetime.now(UTC)
    socket = Socket(api, gateway_id(), known.get("host", ""), peer, now)
    port = scope["server"][1]
    return socket, forwarded(headers, peer, port=port, trace_id=trace_id(now))


def _frame(message: str, connection_id: str, request_id: str) -> str:
    return json.dumps({"message": message, "connectionId": connection_id, "requestId": request_id})


def _refusal(refused: HandshakeRefused, socket: Socket) -> Response:
    """As HTTP, through ASGI's extension for refused handshakes."""
    if refused.message is None:
        return Response(status_code=refused.status)
    ids = {"connectionId": socket.connection_id, "requestId": gateway_id()}
    return JSONResponse({"message": refused.message, **ids}, refused.status)

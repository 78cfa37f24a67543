"""The WebSocket wire: API Gateway's limits on frames, on top of uvicorn and websockets."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.server import ServerProtocol

if TYPE_CHECKING:
    import asyncio

    from uvicorn._types import ASGISendEvent, WebSocketDisconnectEvent

    from local.gateway.limits import Limits


class FragmentingServer(ServerProtocol):
    """Receives frames and messages up to their own limits; sends no frame above the frame limit."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(
            max_size=(limits.message_bytes, limits.frame_bytes),
            logger=logging.getLogger("uvicorn.error"),
        )
        self._frame_bytes = limits.frame_bytes

    def send_text(self, data: bytes | bytearray | memoryview, fin: bool = True) -> None:
        """A message, in as many frames as it takes."""
        size = self._frame_bytes
        super().send_text(data[:size], fin and len(data) <= size)
        for start in range(size, len(data), size):
            self.send_continuation(data[start : start + size], fin and start + size >= len(data))


class GatewayProtocol(WebSocketsSansIOProtocol):
    """uvicorn's protocol with these frames, whose last words reach the client."""

    def __init__(self, limits: Limits, **given: Any) -> None:
        super().__init__(**given)
        self.conn = FragmentingServer(limits)
        self.close_timeout = limits.closing_s

    def data_received(self, data: bytes) -> None:
        """What follows a refused frame is read and dropped."""
        if self.conn.parser_exc is None:
            super().data_received(data)

    def handle_parser_exception(self) -> None:
        """Closes with the protocol's code (1009 for size), without losing it.

        Closing a TCP connection that still has unread input resets it, and a reset throws the
        close frame away: so only the sending half is closed and the rest is read to its end.
        """
        if (close := self.conn.close_sent) is None:
            super().handle_parser_exception()
            return
        goodbye: WebSocketDisconnectEvent = {
            "type": "websocket.disconnect",
            "code": close.code,
            "reason": close.reason,
        }
        self.queue.put_nowait(goodbye)
        self.close_sent = self.disconnected = True
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.write_eof()
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(self.close_timeout, self._drop)

    async def send(self, message: ASGISendEvent) -> None:
        """As uvicorn's, which takes a refused handshake for one that was never answered."""
        await super().send(message)
        if self.initial_response is not None and self.close_sent:
            self.handshake_complete = True

    async def run_asgi(self) -> None:
        """A client that takes nothing more is dropped in the end, with what it was owed."""
        try:
            await super().run_asgi()
        finally:
            self.loop.call_later(2 * self.close_timeout, self._drop)

    def _drop(self) -> None:
        if self in self.connections:  # asyncio does not take an abort after the end
            self.transport.abort()


def protocol_with(limits: Limits) -> type[asyncio.Protocol]:
    """What uvicorn builds for each upgraded connection."""

    class Limited(GatewayProtocol):
        def __init__(self, **given: Any) -> None:
            super().__init__(limits, **given)

    return Limited

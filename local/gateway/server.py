"""The port: an ASGI application on one socket, started and stopped within another program."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from typing import TYPE_CHECKING, Self, cast

import uvicorn

from local.gateway.model import GatewayError
from local.gateway.websocket_protocol import protocol_with

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp

    from local.gateway.limits import Limits


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, taken before anything else is started; GatewayError names the remedy."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named, since asyncio sends at once (TCP_NODELAY) only where it reads that this is TCP.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except (OSError, OverflowError) as error:
        listener.close()
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            said = f"Port {port} is in use by another program. Stop it, or choose --port another."
        else:
            said = f"Cannot listen on port {port} of {host}: choose --port another. ({error})"
        raise GatewayError(said) from error
    return listener


class _Uvicorn(uvicorn.Server):
    """uvicorn without its signal handlers: the program around it decides what Ctrl-C means."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


class Server:
    """Serves the application from `async with` until its end."""

    def __init__(self, app: ASGIApp, listener: socket.socket, limits: Limits) -> None:
        self._listener = listener
        self._uvicorn = _Uvicorn(
            uvicorn.Config(
                app,
                http="h11",
                ws=protocol_with(limits),
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=1,
            )
        )
        self._serving: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._serving = asyncio.create_task(self._uvicorn.serve([self._listener]))
        await self._uvicorn.ready.wait()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._uvicorn.should_exit = True
        await cast("asyncio.Task[None]", self._serving)

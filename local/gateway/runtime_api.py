"""The Lambda Runtime API for one child: it asks for an invocation and posts what came of it."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

import h11

if TYPE_CHECKING:
    from collections.abc import Callable

VERSION = "/2018-06-01/runtime"
RESPONSE_BYTES = 6_291_556  # what Lambda takes from a function in one piece
HEADER_BYTES = 2 * 1024 * 1024  # a traceback for X-Ray travels in a header, up to 1 MB
READ_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Invocation:
    """What a child is asked to do. `deadline_ms` is wall-clock time, for the handler to read."""

    request_id: str
    payload: bytes
    arn: str
    trace_id: str
    deadline_ms: int

    def headers(self) -> list[tuple[str, str]]:
        """As Lambda names them."""
        return [
            ("Lambda-Runtime-Aws-Request-Id", self.request_id),
            ("Lambda-Runtime-Deadline-Ms", str(self.deadline_ms)),
            ("Lambda-Runtime-Invoked-Function-Arn", self.arn),
            ("Lambda-Runtime-Trace-Id", self.trace_id),
        ]


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to the child, not to the caller."""

    status: HTTPStatus
    body: bytes = b'{"status":"OK"}'
    headers: list[tuple[str, str]] = field(default_factory=list)


ACCEPTED = Answer(HTTPStatus.ACCEPTED)
UNKNOWN = Answer(HTTPStatus.NOT_FOUND, b'{"errorType":"NotFound","errorMessage":"Not found"}')
STALE = Answer(
    HTTPStatus.BAD_REQUEST,
    b'{"errorType":"InvalidRequestID","errorMessage":"Invalid request ID"}',
)
TOO_LARGE = Answer(
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    b'{"errorType":"RequestEntityTooLarge",'
    b'"errorMessage":"Exceeded maximum allowed payload size (6291556 bytes)."}',
)


@dataclass(frozen=True, slots=True)
class Hooks:
    """Whom the API tells. `answered` gets (body, failed); too large a body comes as None."""

    asked: Callable[[], None]
    answered: Callable[[bytes | None, bool], None]
    failed_to_start: Callable[[bytes], None]


class RuntimeApi:
    """Serves one child on a port of its own; close() ends every connection."""

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._next: asyncio.Future[Invocation] | None = None
        self._under_way: str | None = None

    async def open(self) -> str:
        """Listens on loopback; returns host and port as AWS_LAMBDA_RUNTIME_API wants them."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=READ_BYTES)
        port = self._server.sockets[0].getsockname()[1]
        return f"127.0.0.1:{port}"

    def hand_over(self, invocation: Invocation) -> None:
        """To be called only after `asked`, once each time."""
        if self._next is None or self._next.done():
            raise RuntimeError("the child has not asked for an invocation")
        self._under_way = invocation.request_id
        self._next.set_result(invocation)

    def close(self) -> None:
        """Nothing is answered any more."""
        if self._server is not None:
            self._server.close()
        if self._next is not None:
            self._next.cancel()
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        wire = Wire(reader, writer)
        try:
            while (request := await wire.receive()) is not None:
                await wire.send(await self._answer(*request))
        except (OSError, h11.ProtocolError, asyncio.CancelledError):
            pass  # the child is gone, and its process says why
        finally:
            self._writers.discard(writer)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, path: str, body: bytes) -> Answer:
        if path == f"{VERSION}/invocation/next":
            return await self._next_invocation()
        if path == f"{VERSION}/init/error":
            self._hooks.failed_to_start(body)
            return ACCEPTED
        request_id, _, verb = path.removeprefix(f"{VERSION}/invocation/").partition("/")
        if verb not in ("response", "error"):
            return UNKNOWN
        if request_id != self._under_way:
            return STALE
        self._under_way = None
        return self._settle(body, failed=verb == "error")

    async def _next_invocation(self) -> Answer:
        self._next = asyncio.get_running_loop().create_future()
        self._hooks.asked()
        invocation = await self._next
        headers = [*invocation.headers(), ("Content-Type", "application/json")]
        return Answer(HTTPStatus.OK, invocation.payload, headers)

    def _settle(self, body: bytes, *, failed: bool) -> Answer:
        if len(body) > RESPONSE_BYTES:
            self._hooks.answered(None, True)
            return TOO_LARGE
        self._hooks.answered(body, failed)
        return ACCEPTED


class Wire:
    """HTTP/1.1 as a server speaks it, on one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=HEADER_BYTES)

    async def receive(self) -> tuple[str, bytes] | None:
        """Path and body of the next request; None when the child has hung up."""
        path, body = "", bytearray()
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                await self._read()
            elif isinstance(event, h11.Request):
                path = event.target.decode("ascii")
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                return path, bytes(body)
            else:
                return None

    async def _read(self) -> None:
        if self._http.they_are_waiting_for_100_continue:  # large bodies; curl waits a second
            go_on = h11.InformationalResponse(status_code=100, headers=[])
            self._writer.write(self._http.send(go_on) or b"")
        self._http.receive_data(await self._reader.read(READ_BYTES))

    async def send(self, answer: Answer) -> None:
        """Answers, and is ready for the next request on the same connection."""
        headers = [*answer.headers, ("Content-Length", str(len(answer.body)))]
        head = h11.Response(status_code=answer.status, headers=headers)
        parts = [
            self._http.send(event)
            for event in (head, h11.Data(data=answer.body), h11.EndOfMessage())
        ]
        self._writer.write(b"".join(part for part in parts if part))
        await self._writer.drain()
        if self._http.our_state is h11.MUST_CLOSE:
            self._writer.close()
        else:
            self._http.start_next_cycle()

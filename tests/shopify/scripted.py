"""A Shopify of a test's own words, at the transport."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
from cj.shopify.http import make_http

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping


class Bytes(httpx.AsyncByteStream):
    """A body as it comes from a socket: not yet read."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content


def reply(
    body: object = None,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
) -> Callable[[], httpx.Response]:
    """An answer with this body as JSON, or with this content, as often as it is asked for."""
    raw = json.dumps(body).encode() if content is None else content
    return lambda: httpx.Response(status, headers=headers, stream=Bytes(raw))


class Script(httpx.AsyncBaseTransport):
    """Gives one answer after another, the last one again and again, and keeps what was asked."""

    def __init__(self, *answers: Callable[[], httpx.Response]) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, dict[str, Any], httpx.Headers]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(await request.aread())
        self.asked.append((str(request.url), body, request.headers))
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return answer()

    def http(self) -> httpx.AsyncClient:
        return make_http(self)

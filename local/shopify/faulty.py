"""The faults as a client meets them on the wire."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, RedirectResponse, Response

from local.shopify.tokens import BAD_TOKEN

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import Receive, Scope, Send

    from local.shopify.faults import Fault

_HUGE_BYTES = 10 * 1024 * 1024
_PAGE = b"<!DOCTYPE html><title>Shopify</title><h1>Something went wrong</h1>"


class _Dropped(Response):
    """Announces a body that never comes whole: the client sees a broken connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        headers = [(b"content-type", b"application/json"), (b"content-length", b"100")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})


class _Silence(Response):
    """Takes the request and says nothing, until the client goes."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        while (await receive())["type"] != "http.disconnect":
            pass


async def answered(fault: Fault | None, answer: Callable[[], Awaitable[Response]]) -> Response:
    """The answer, or what comes instead of it. `dropped` comes after the work is done."""
    match fault.kind if fault else None:
        case "slow" if fault:
            await asyncio.sleep(fault.seconds)
        case "dropped":
            await answer()
            return _Dropped()
        case kind if kind in _INSTEAD and fault:
            return _INSTEAD[kind](fault)
    return await answer()


def _huge(_: Fault) -> Response:
    filler = b'{"access_token": "' + b"a" * _HUGE_BYTES + b'"}'
    return Response(filler, media_type="application/json")


_INSTEAD: dict[str | None, Callable[[Fault], Response]] = {
    "rate_limited": lambda _: JSONResponse(
        {"errors": "Exceeded 2 calls per second for api client."}, 429, {"Retry-After": "2.0"}
    ),
    "server_error": lambda fault: Response(_PAGE, fault.status, media_type="text/html"),
    "hang": lambda _: _Silence(),
    "html": lambda _: Response(_PAGE, media_type="text/html"),
    "huge": _huge,
    "redirect": lambda _: RedirectResponse("https://accounts.shopify.com/", 302),
    "unauthorized": lambda _: JSONResponse({"errors": BAD_TOKEN}, 401),
    "forbidden": lambda _: JSONResponse({"errors": "[API] This action is forbidden."}, 403),
}

"""An application as small as can be: it installs itself, asks for data and takes webhooks."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, urlsplit

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from local.gateway.limits import Limits
from local.gateway.server import Server, listen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import httpx
    from starlette.requests import Request

    from local.shopify.app import Simulator

SCOPES = "read_customers,read_orders,read_products"
PATIENCE_S = 10
NOON = 1_795_262_400.0  # 2026-11-21T12:00:00Z

EMPTY = "empty-shelf.myshopify.com"
CANDLES = "corner-candles.myshopify.com"
COFFEE = "harbour-coffee.myshopify.com"
TRAILS = "northern-trails.myshopify.com"


@dataclass
class Wall:
    """A clock on the wall that stands still."""

    at: float = NOON

    def __call__(self) -> float:
        return self.at


@dataclass
class Inbox:
    """Takes webhooks. Answers are given in order; when they are used up it is 200."""

    received: list[tuple[Mapping[str, str], bytes]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self._listener = listen("127.0.0.1", 0)
        port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        route = Route("/api/v1/shopify/webhooks", self._take, methods=["POST"])
        self._server = Server(Starlette(routes=[route]), self._listener, Limits())
        await self._server.__aenter__()
        return self

    async def __aexit__(self, *given: object) -> None:
        await self._server.__aexit__(*given)
        self._listener.close()

    async def _take(self, request: Request) -> Response:
        self.received.append((request.headers, await request.body()))
        return Response(status_code=self.answers.pop(0) if self.answers else 200)

    def topics(self) -> list[str]:
        return [headers["x-shopify-topic"] for headers, _ in self.received]


@dataclass
class App:
    """The application's side of one simulated Shopify."""

    shopify: Simulator
    callback: str
    http: httpx.AsyncClient

    async def authorize(self, shop: str, **changed: str) -> httpx.Response:
        asked = {
            "client_id": self.shopify.api_key,
            "scope": SCOPES,
            "redirect_uri": self.callback,
            "state": "abc123",
            **changed,
        }
        return await self.http.get(f"/{shop}/admin/oauth/authorize", params=asked)

    async def decide(self, shop: str, page: httpx.Response, decision: str) -> httpx.Response:
        """Presses a button on the consent page."""
        found = re.search(r'name="ticket" value="(\w+)"', page.text)
        assert found, page.text
        form = {"ticket": found[1], "decision": decision}
        return await self.http.post(f"/{shop}/admin/oauth/authorize", data=form)

    async def code(self, shop: str, **changed: str) -> str:
        """A fresh code, with the consent it takes."""
        answer = await self.authorize(shop, **changed)
        if answer.status_code == 200:
            answer = await self.decide(shop, answer, "approve")
        return query_of(answer)["code"]

    async def token(self, shop: str, *, as_form: bool = False, **given: str) -> httpx.Response:
        credentials = {
            "client_id": self.shopify.api_key,
            "client_secret": self.shopify.api_secret,
        }
        body = {**credentials, **given}
        sent: dict[str, Any] = {"data": body} if as_form else {"json": body}
        return await self.http.post(f"/{shop}/admin/oauth/access_token", **sent)

    async def install(self, shop: str, **changed: str) -> dict[str, Any]:
        answer = await self.token(shop, code=await self.code(shop, **changed), expiring="1")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def refresh(self, shop: str, refresh_token: str) -> httpx.Response:
        return await self.token(shop, grant_type="refresh_token", refresh_token=refresh_token)

    async def ask(
        self, shop: str, token: str, query: str, *, version: str = "2026-10", **variables: Any
    ) -> httpx.Response:
        return await self.http.post(
            f"/{shop}/admin/api/{version}/graphql.json",
            json={"query": query, "variables": variables},
            headers={"X-Shopify-Access-Token": token},
        )


@dataclass
class Session:
    """An application in one shop, which asks."""

    app: App
    shop: str
    token: str

    async def __call__(self, query: str, **variables: Any) -> dict[str, Any]:
        """The whole answer."""
        answer = await self.app.ask(self.shop, self.token, query, **variables)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def data(self, query: str, **variables: Any) -> dict[str, Any]:
        """For what cannot fail."""
        told = await self(query, **variables)
        assert "errors" not in told, told
        return dict(told["data"])


def query_of(answer: httpx.Response) -> dict[str, str]:
    """Of the address that somebody is sent to."""
    assert answer.status_code in (302, 303), answer.text
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


async def until(true: Callable[[], object]) -> None:
    """Returns once it is true; fails when it does not become true in time."""
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.01)

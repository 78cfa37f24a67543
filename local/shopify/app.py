"""The simulated Shopify as one thing: on loopback, from `async with` to its end.

    async with Simulator(Options(app_url="http://127.0.0.1:8000")) as shopify:
        shopify.url, shopify.api_key, shopify.api_secret      # the application's settings
        shopify.control.uninstall(shop="corner-candles.myshopify.com")
        shopify.clock.move(hours=2)
        shopify.store("corner-candles.myshopify.com").orders

A test in another process uses `ControlClient` of control_client.py instead.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from local.gateway.limits import Limits
from local.gateway.model import GatewayError
from local.gateway.server import Server, listen
from local.shopify import pages
from local.shopify.clock import Clock
from local.shopify.control import Control
from local.shopify.desk import Desk
from local.shopify.graphql_api import GraphqlApi
from local.shopify.oauth import OAuth
from local.shopify.schema import admin_schema
from local.shopify.webhooks import Webhooks
from local.shopify.world import NoSuchShop, World

if TYPE_CHECKING:
    import socket

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from local.shopify.store import Store

_HOST = "127.0.0.1"
_STYLE = Path(__file__).parent / "style.css"


@dataclass(frozen=True, slots=True)
class Options:
    """`app_url` is the application's. What is not said follows from it."""

    app_url: str = "http://127.0.0.1:8000"
    install_path: str = "/api/v1/shopify/install"
    webhook_path: str | None = "/api/v1/shopify/webhooks"
    redirect_uris: tuple[str, ...] = ()  # empty: the application's callback
    auto_approve: bool = False
    clock: Clock = field(default_factory=Clock)
    folder: Path | None = None  # where installations survive; None: nowhere
    port: int | None = None  # None: the one it had before, else a free one
    api_key: str | None = None  # None: the folder's own, made at the first start
    api_secret: str | None = None

    @property
    def callbacks(self) -> frozenset[str]:
        """The exact addresses that a code may be sent to."""
        return frozenset(self.redirect_uris or (f"{self.app_url}/api/v1/shopify/callback",))


class Simulator:
    """Raises ValueError where a part of it would not be on loopback."""

    def __init__(self, options: Options | None = None) -> None:
        self._options = options = options or Options()
        for address in (options.app_url, *options.callbacks):
            if not _is_loopback(urlsplit(address).hostname):
                raise ValueError(f"{address} is not on this machine")
        path = options.folder / "state.json" if options.folder else None
        self.world = World(options.clock, path)
        webhook_url = f"{options.app_url}{options.webhook_path}" if options.webhook_path else None
        self.webhooks = Webhooks(self.world, webhook_url)
        self._oauth = OAuth(self.world, options.callbacks, options.auto_approve)
        self.control = Control(self.world, self._oauth, self.webhooks)
        self._stack = AsyncExitStack()

    @property
    def url(self) -> str:
        return f"http://{_HOST}:{self.world.memory.port}"

    @property
    def clock(self) -> Clock:
        return self.world.clock

    @property
    def api_key(self) -> str:
        return self.world.memory.api_key

    @property
    def api_secret(self) -> str:
        return self.world.memory.api_secret

    def store(self, domain: str) -> Store:
        """What a shop has now."""
        return self.world.store(domain)

    async def __aenter__(self) -> Self:
        """Serving when it returns."""
        admin_schema()  # the first request shall not wait for it
        self.world.open()
        memory, options = self.world.memory, self._options
        memory.api_key = options.api_key or memory.api_key
        memory.api_secret = options.api_secret or memory.api_secret
        listener = self._listen()
        memory.port = listener.getsockname()[1]
        self.world.changed()
        self._stack.callback(listener.close)
        try:
            await self._stack.enter_async_context(self.webhooks)
            await self._stack.enter_async_context(Server(self._app(), listener, Limits()))
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def _listen(self) -> socket.socket:
        if self._options.port is not None:
            return listen(_HOST, self._options.port)
        with suppress(GatewayError):
            return listen(_HOST, self.world.memory.port)
        return listen(_HOST, 0)

    def _app(self) -> ASGIApp:
        """Fixed paths first: a shop's name has a dot and so is none of them."""
        oauth, control, admin = self._oauth, self.control, "/{shop}/admin"
        desk = Desk(control, f"{self._options.app_url}{self._options.install_path}")
        data = GraphqlApi(self.world)
        routes = [
            Route("/", desk.home),
            Route("/style.css", _style),
            Route("/favicon.ico", _no_icon),
            Route("/shops/{shop}", desk.shop),
            Route("/do/{verb}", desk.act, methods=["POST"]),
            Route("/control", control.everything),
            Route("/control/shops/{shop}", control.one_shop),
            Route("/control/{verb}", control.post, methods=["POST"]),
            Route(f"{admin}/oauth/authorize", oauth.authorize),
            Route(f"{admin}/oauth/authorize", oauth.decide, methods=["POST"]),
            Route(f"{admin}/oauth/access_token", oauth.token, methods=["POST"]),
            Route(f"{admin}/api/{{version}}/graphql.json", data.post, methods=["POST"]),
        ]
        app = Starlette(routes=routes, exception_handlers={NoSuchShop: _no_such_shop})
        return _OwnPagesOnly(app)


@dataclass(frozen=True, slots=True)
class _OwnPagesOnly:
    """A page on the internet cannot reach in through the browser of whoever runs this: neither
    under a name of its own that leads to loopback, nor with a form or a script.
    """

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        host = headers.get("host", "")
        origin = headers.get("origin")
        own = _is_loopback(_name_of(host))
        foreign = origin is not None and origin != f"http://{host}"
        if not own or (foreign and scope["method"] != "GET"):
            await PlainTextResponse("Forbidden", 403)(scope, receive, send)
            return
        await self.app(scope, receive, send)


async def _style(_: Request) -> Response:
    return FileResponse(_STYLE, media_type="text/css", headers={"Cache-Control": "no-cache"})


async def _no_icon(_: Request) -> Response:
    """Browsers ask for it, whatever the page says."""
    return Response(status_code=204)


async def _no_such_shop(request: Request, error: Exception) -> Response:
    """Shopify answers programs with JSON and people with a page."""
    if "/admin/api/" in request.url.path:
        return JSONResponse({"errors": "Not Found"}, 404)
    return pages.no_shop(str(error))


def _name_of(host: str) -> str | None:
    """A Host header without its port."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _is_loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return False

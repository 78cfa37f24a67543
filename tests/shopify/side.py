"""CJ's side of a simulated Shopify: the real parts, on the simulator's clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
from cj.domain.ids import new_id
from cj.domain.shops import shop_name
from cj.shopify.access import ShopAccess
from cj.shopify.cache import LOOK, StoreCache
from cj.shopify.cipher import TokenCipher
from cj.shopify.client import ShopifyClient
from cj.shopify.client_secrets import ClientSecrets
from cj.shopify.http import Addresses, make_http
from cj.shopify.keys import KeyFile
from cj.shopify.oauth import OAuth
from cj.shopify.tools import StoreTools
from cj.store.integrations import Integration, Integrations

from local.shopify.tokens import Tokens

if TYPE_CHECKING:
    from pathlib import Path

    from cj.store import Database

    from local.shopify.app import Simulator

SCOPES = ("read_customers", "read_orders", "read_products")
VERSION = "2026-10"
CANDLES = "corner-candles.myshopify.com"
COFFEE = "harbour-coffee.myshopify.com"
TRAILS = "northern-trails.myshopify.com"
EMPTY = "empty-shelf.myshopify.com"


class Wire(httpx.AsyncHTTPTransport):
    """The real network; remembers the path of everything that left."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request.url.path.rpartition("/")[2])
        return await super().handle_async_request(request)


class Memory:
    """Redis as a dict, which can be down."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.ttls: dict[str, int] = {}
        self.down = False

    async def do(self, verb: str, *told: Any) -> list[str | None] | None:
        if self.down:
            return None
        if verb == "DEL":
            for key in told:
                self.kept.pop(key, None)
            return None
        script, _, key, generation, *given = told
        if script == LOOK:
            return [self.kept.get(key), self.kept.setdefault(generation, given[0])]
        if self.kept.get(generation) == given[0]:
            self.kept[key], self.ttls[key] = given[1:]
        return None


@dataclass
class Side:
    """One process of CJ. Waiting moves the simulator's clock, and nothing else does."""

    shopify: Simulator
    integrations: Integrations
    cipher: TokenCipher
    wire: Wire
    http: httpx.AsyncClient
    memory: Memory = field(default_factory=Memory)
    waits: list[float] = field(default_factory=list)

    @classmethod
    def of(cls, shopify: Simulator, db: Database, key_file: Path) -> Side:
        wire = Wire()
        cipher = TokenCipher(KeyFile(key_file))
        return cls(shopify, Integrations(db), cipher, wire, make_http(wire))

    def __post_init__(self) -> None:
        addresses, clock = Addresses(self.shopify.url), self.shopify.clock
        self.secrets = ClientSecrets((self.shopify.api_secret,))
        self.oauth = OAuth(self.http, addresses, self.shopify.api_key, self.secrets, SCOPES)
        self.access = ShopAccess(
            *(self.integrations, self.cipher, self.oauth),
            *(clock.today, clock.now, self.sleep),
        )
        self.client = ShopifyClient(
            *(self.http, addresses, self.access, VERSION),
            clock=clock.now,
            wall_clock=clock.now,
            sleep=self.sleep,
        )
        self.tools = StoreTools(
            self.client, StoreCache(self.memory.do), now=clock.today, clock=clock.now
        )

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.shopify.clock.move(s=seconds)

    async def install(self, shop: str, scopes: tuple[str, ...] = SCOPES) -> None:
        """As the merchant's consent does it; what left for that is forgotten."""
        code = Tokens(self.shopify.world).code(self.shopify.world.shop(shop), scopes)
        grant = await self.oauth.exchange(shop, code)
        merchant = await self.integrations.put_merchant(new_id(), shop_name(shop), shop)
        await self.integrations.put(merchant, await self.access.seal(merchant, grant), {})
        self.wire.sent.clear()

    async def row(self, shop: str) -> Integration:
        found = await self.integrations.find(shop)
        assert found is not None
        return found

    async def run(self, name: str, shop: str | None = CANDLES, time_left_s: float = 10) -> Any:
        return await self.tools.run(f"get_shopify_{name}", shop, time_left_s)

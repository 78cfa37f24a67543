"""The four questions CJ may ask of a store. Each gives Shopify's raw data and says how old it is.

`{success, data_type, data, as_of, cached, window}`, or `{success: false, data_type, error, code}`
with a text for the merchant. `window` says which orders Shopify shows at all, `null` for all of
them; `missing_scopes` is there only if a part of the data was denied and is null for that reason.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cj.errors import CJError
from cj.logs import log_of
from cj.shopify.errors import NotConnected
from cj.shopify.operations import operation

if TYPE_CHECKING:
    from collections.abc import Callable

    from cj.shopify.cache import StoreCache
    from cj.shopify.client import Answer, ShopifyClient

log = log_of(__name__)

PAGE = 40  # orders with line items; a single query may request 1,000 points
RECENT = 10
TOP_PRODUCTS = 5
VISIBLE_DAYS = 60  # without the scope read_all_orders
WEEK_DAYS = 7
ALL_ORDERS = "read_all_orders"


@dataclass(frozen=True, slots=True)
class Tool:
    """One of them. `data_type` is also its query in the cache."""

    data_type: str
    ttl_s: int
    description: str


TOOLS = {
    "get_shopify_store_counts": Tool(
        *("counts", 900),
        "How many customers, orders, open orders and products the store has. Orders only of the "
        "window. Where precision is AT_LEAST, say for example 10,000+.",
    ),
    "get_shopify_store_overview": Tool(
        *("overview", 600),
        "The store itself, its ten newest orders, and the products with the most stock (which are "
        "not the best selling ones; stock means nothing unless tracksInventory).",
    ),
    "get_shopify_recent_orders": Tool(
        *("recent_orders", 600),
        "The ten newest orders with up to five line items each. A null customer is a guest.",
    ),
    "get_shopify_orders_last_week": Tool(
        *("week_orders", 300),
        "The orders of the last seven days, newest first, as many as can be looked at, and how "
        "many there are altogether.",
    ),
}


def now() -> datetime:
    """The moment."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class StoreTools:
    """`max_orders`: how many of a week's orders are looked at."""

    client: ShopifyClient
    cache: StoreCache
    max_orders: int = 50
    now: Callable[[], datetime] = now
    clock: Callable[[], float] = time.monotonic

    async def run(self, name: str, shop: str | None, time_left_s: float) -> dict[str, Any]:
        """The tool's result, also where it failed. `shop` is the session's, never the model's."""
        tool = TOOLS.get(name)
        if tool is None:
            return {"success": False, "error": "There is no such tool.", "code": "unknown_tool",
                    "available_tools": list(TOOLS)}  # fmt: skip
        try:
            if shop is None:
                raise NotConnected("the session has no shop")
            found = await self._found(tool, shop, time_left_s)
        except CJError as error:
            extra = {"tool": name, "shop": shop, "code": error.code, "why": str(error)}
            log.warning("store tool failed", extra=extra)
            return {"success": False, "data_type": tool.data_type, "error": error.message,
                    "code": error.code}  # fmt: skip
        return {"success": True, "data_type": tool.data_type, **found}

    async def _found(self, tool: Tool, shop: str, time_left_s: float) -> dict[str, Any]:
        kept = await self.cache.get(shop, tool.data_type)
        if kept.value is not None and self._is_fresh(kept.value, tool.ttl_s):
            return {**kept.value, "cached": True}
        as_of = self.now()
        try:
            answer = await self._asked(tool.data_type, shop, as_of, time_left_s)
        except NotConnected:
            await self.cache.forget(shop)  # also that somebody has looked
            raise
        found = {
            "data": answer.data,
            "as_of": as_of.isoformat(),
            "window": _window(tool.data_type, as_of, answer.scopes),
        }
        if answer.missing_scopes:  # may be granted any moment: not kept
            return {**found, "cached": False, "missing_scopes": list(answer.missing_scopes)}
        await self.cache.put(shop, tool.data_type, found, tool.ttl_s, kept.generation)
        return {**found, "cached": False}

    def _is_fresh(self, kept: dict[str, Any], ttl_s: int) -> bool:
        """Also by our own clock: what Redis forgot to forget is not shown."""
        try:
            age = self.now() - datetime.fromisoformat(kept["as_of"])
        except (KeyError, TypeError, ValueError):
            return False
        return "data" in kept and abs(age) < timedelta(seconds=ttl_s)

    async def _asked(
        self, data_type: str, shop: str, as_of: datetime, time_left_s: float
    ) -> Answer:
        if data_type == "week_orders":
            return await self._week(shop, as_of, self.clock() + time_left_s)
        if data_type == "counts":
            question, since = operation("store_counts"), _created_since(as_of, VISIBLE_DAYS)
            return await self.client.ask(
                shop, question, lambda scopes: _counted(scopes, since), time_left_s
            )
        name, variables = _QUESTIONS[data_type]
        return await self.client.ask(shop, operation(name), variables, time_left_s)

    async def _week(self, shop: str, as_of: datetime, ends: float) -> Answer:
        """Page after page, newest first; the last `pageInfo` says whether there were more."""
        variables: dict[str, Any] = {"query": _created_since(as_of, WEEK_DAYS)}
        nodes: list[Any] = []
        missing: tuple[str, ...] = ()
        while True:
            variables["first"] = min(PAGE, self.max_orders - len(nodes))
            question = operation("orders_between")
            answer = await self.client.ask(shop, question, variables, ends - self.clock())
            missing = answer.missing_scopes or missing
            orders = answer.data["orders"]
            nodes += orders["nodes"]
            page = orders["pageInfo"]
            if not page["hasNextPage"] or len(nodes) >= self.max_orders:
                whole = {**answer.data, "orders": {**orders, "nodes": nodes}}
                return replace(answer, data=whole, missing_scopes=missing)
            variables["after"] = page["endCursor"]


_QUESTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "overview": ("store_overview", {"orders": RECENT, "products": TOP_PRODUCTS}),
    "recent_orders": ("recent_orders", {"first": RECENT}),
}


def _created_since(as_of: datetime, days: int) -> str:
    """Shopify's search for the orders of the last days."""
    return f"created_at:>='{as_of - timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}'"


def _counted(scopes: tuple[str, ...], since: str) -> dict[str, str]:
    """The orders of the window: whether Shopify counts older ones, nobody has promised."""
    if ALL_ORDERS in scopes:
        return {}
    return {"orders": since, "openOrders": f"{since} AND status:open"}


def _window(data_type: str, as_of: datetime, scopes: tuple[str, ...]) -> dict[str, Any] | None:
    """The days that orders were looked for in."""
    if data_type == "week_orders":
        days = WEEK_DAYS
    elif ALL_ORDERS in scopes:
        return None
    else:
        days = VISIBLE_DAYS
    since = as_of - timedelta(days=days)
    return {"days": days, "from": since.isoformat(), "to": as_of.isoformat()}

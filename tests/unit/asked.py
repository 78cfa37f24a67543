"""A store whose figures a test gives, and a CJ that is asked about it."""

from __future__ import annotations

import asyncio
import copy
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from cj.agent.scripted import Scripted
from cj.domain.messages import Message

if TYPE_CHECKING:
    from cj.agent.store import Result

COUNTS = "get_shopify_store_counts"
RECENT = "get_shopify_recent_orders"
WEEK = "get_shopify_orders_last_week"
OVERVIEW = "get_shopify_store_overview"
AS_OF = "2026-11-21T08:00:00+00:00"
SHOP = {"name": "Corner Shop", "currencyCode": "EUR", "ianaTimezone": "Europe/Berlin"}


def exactly(count: int) -> dict[str, Any]:
    return {"count": count, "precision": "EXACT"}


def at_least(count: int) -> dict[str, Any]:
    return {"count": count, "precision": "AT_LEAST"}


def order(number: int = 1, amount: str = "10.00", currency: str = "EUR", **more: Any) -> Any:
    """A paid one by a customer who came back, on the 20th if nothing else is said."""
    return {
        "id": f"gid://shopify/Order/{number}",
        "name": f"#{number}",
        "createdAt": "2026-11-20T12:00:00Z",
        "cancelledAt": None,
        "test": False,
        "displayFinancialStatus": "PAID",
        "displayFulfillmentStatus": "UNFULFILLED",
        "currentTotalPriceSet": {"shopMoney": {"amount": amount, "currencyCode": currency}},
        "customer": {"id": "gid://shopify/Customer/1", "numberOfOrders": "2"},
        "lineItems": {"nodes": [line("Candle")]},
        **more,
    }


def line(title: str, quantity: int = 1) -> dict[str, Any]:
    return {
        "title": title,
        "quantity": quantity,
        "currentQuantity": quantity,
        "product": {"id": f"gid://shopify/Product/{title}"},
    }


def result(data_type: str, data: dict[str, Any], days: int | None = 60, **more: Any) -> Result:
    window = days and {"days": days, "from": AS_OF, "to": AS_OF}
    return {"success": True, "data_type": data_type, "data": {"shop": SHOP, **data}} | {
        "as_of": AS_OF,
        "cached": False,
        "window": window,
        **more,
    }


def counts(
    customers: Any = 7, products: Any = 6, orders: Any = 8, still_open: Any = 5, **more: Any
) -> Result:
    """A number is exact; None was denied."""
    keys = ("customersCount", "productsCount", "ordersCount", "openOrdersCount")
    given = (customers, products, orders, still_open)
    exact = [exactly(count) if isinstance(count, int) else count for count in given]
    return result("counts", dict(zip(keys, exact, strict=True)), **more)


def recent(*orders: Any, **more: Any) -> Result:
    return result("recent_orders", {"orders": {"nodes": list(orders)}}, **more)


def week(*orders: Any, total: int | None = None, **more: Any) -> Result:
    """`total`: there are more than the ones given."""
    page = {"nodes": list(orders), "pageInfo": {"hasNextPage": total is not None}}
    count = exactly(len(orders) if total is None else total)
    return result("week_orders", {"orders": page, "ordersCount": count}, days=7, **more)


def overview(*products: Any) -> Result:
    shop = {**SHOP, "myshopifyDomain": "corner-shop.myshopify.com"}
    return result("overview", {"shop": shop, "products": {"nodes": list(products)}})


def product(title: str, stock: int, *, tracked: bool = True) -> dict[str, Any]:
    price = {"amount": "5.00", "currencyCode": "EUR"}
    return {
        "id": f"gid://shopify/Product/{title}",
        "title": title,
        "totalInventory": stock,
        "tracksInventory": tracked,
        "priceRangeV2": {"minVariantPrice": price, "maxVariantPrice": price},
        "featuredMedia": None,
    }


def failed(code: str, error: str = "It did not work.") -> Result:
    return {"success": False, "data_type": "counts", "error": error, "code": code}


class Shelf:
    """Results by tool; while the gate is closed it thinks."""

    def __init__(self, **results: Result) -> None:
        self.results: dict[str, Result] = {
            COUNTS: results.get("counts", counts()),
            RECENT: results.get("recent", recent(order())),
            WEEK: results.get("week", week(order())),
            OVERVIEW: results.get("overview", overview(product("Candle", 3))),
        }
        self.asked: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.given_up = 0

    async def ask(self, name: str) -> Result:
        self.asked.append(name)
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.given_up += 1
            raise
        return copy.deepcopy(self.results[name])


def said(role: str, text: str, seq: int, **more: Any) -> Message:
    moment = datetime(2026, 11, 1, tzinfo=UTC)
    return Message(uuid4(), seq, role, text, moment, "complete", **more)


def window_of(*texts: str) -> list[Message]:
    return [said("user", text, seq) for seq, text in enumerate(texts, 1)]


async def answer(*texts: str, store: Any = None, from_seq: int | None = None) -> str:
    """What CJ says to the newest of these, or to those from `from_seq` on."""
    steps = Scripted().stream(window_of(*texts), from_seq or len(texts), store)
    return "".join([step async for step in steps if isinstance(step, str)])

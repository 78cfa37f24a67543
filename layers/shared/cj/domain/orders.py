"""The arithmetic of orders, over the raw nodes of Shopify's answers.

Money is exact and in the store's currency: what was sold in another one, before the store changed
it, is in no sum. Test orders and cancelled ones count nowhere; a guest is an order without a
customer.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, tzinfo

Node: TypeAlias = "Mapping[str, Any]"
Pattern: TypeAlias = Literal["growing", "declining", "stable", "insufficient_data", "no_data"]

RETURNING_FROM = 2
VIP_FROM = 5
_GROWING = Decimal("1.2")
_DECLINING = Decimal("0.8")
_TENTH = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Segments:
    """How many customers are here for the first time, came back, or come all the time."""

    new: int
    returning: int
    vip: int
    guest_orders: int


@dataclass(frozen=True, slots=True)
class Item:
    """A product and how many of it were ordered."""

    title: str
    count: int


def sales(orders: Sequence[Node]) -> list[Node]:
    """The orders that count: neither a test nor cancelled."""
    return [o for o in orders if not o["test"] and o["cancelledAt"] is None]


def revenue(orders: Sequence[Node], currency: str) -> Decimal:
    """What the sales in this currency brought in, net of edits and refunds."""
    return sum((_net(order) for order in sales_in(orders, currency)), Decimal(0))


def sales_in(orders: Sequence[Node], currency: str) -> list[Node]:
    """The sales in one currency: the others are those that a sum leaves out."""
    return [order for order in sales(orders) if _money(order)["currencyCode"] == currency]


def velocity(orders: Sequence[Node]) -> Decimal:
    """Sales per day, to one decimal, over the whole days between the first and the last."""
    moments = [_moment(order) for order in sales(orders)]
    if len(moments) < 2:
        return Decimal("0.0")
    days = (max(moments) - min(moments)).days or 1
    return (Decimal(len(moments)) / days).quantize(_TENTH, ROUND_HALF_UP)


def segments(orders: Sequence[Node]) -> Segments:
    """Each customer once, by the number of orders of their life, which arrives as a string."""
    counted = sales(orders)
    customers = {c["id"]: int(c["numberOfOrders"]) for o in counted if (c := o["customer"])}
    of_life = list(customers.values())
    return Segments(
        new=sum(n < RETURNING_FROM for n in of_life),
        returning=sum(RETURNING_FROM <= n < VIP_FROM for n in of_life),
        vip=sum(n >= VIP_FROM for n in of_life),
        guest_orders=sum(o["customer"] is None for o in counted),
    )


def repeat_orders(orders: Sequence[Node]) -> int:
    """How many of the sales are by customers who had bought before."""
    return sum(is_repeat(order) for order in sales(orders))


def is_repeat(order: Node) -> bool:
    """Whether the customer has more than one order; a guest never does."""
    customer = order["customer"]
    return customer is not None and int(customer["numberOfOrders"]) >= RETURNING_FROM


def pattern(orders: Sequence[Node], currency: str, zone: tzinfo) -> Pattern:
    """Whether revenue rises: the later half of the days against the earlier half.

    Days are the store's, from the first sale's to the last one's, those without a sale included;
    of an odd number the middle one belongs to neither half. Below three days nothing can be said.
    """
    counted = sales_in(orders, currency)
    if not counted:
        return "no_data"
    by_day = _by_day(counted, zone)
    if len(by_day) < 3:
        return "insufficient_data"
    half = len(by_day) // 2
    earlier, later = sum(by_day[:half], Decimal(0)), sum(by_day[-half:], Decimal(0))
    if later > earlier * _GROWING:
        return "growing"
    return "declining" if later < earlier * _DECLINING else "stable"


def popular_items(orders: Sequence[Node], most: int = 5) -> list[Item]:
    """What was ordered most, net of what was taken back; equal counts by title.

    A product that was renamed is one; one that was deleted is known by its title.
    """
    counts: Counter[str] = Counter()
    titles: dict[str, str] = {}
    for line in (line for order in sales(orders) for line in order["lineItems"]["nodes"]):
        key = line["product"]["id"] if line["product"] else f"title:{line['title']}"
        counts[key] += line["currentQuantity"]
        titles.setdefault(key, line["title"])
    found = [Item(titles[key], count) for key, count in counts.items() if count > 0]
    return sorted(found, key=lambda item: (-item.count, item.title))[:most]


def order_record(order: Node) -> dict[str, Any]:
    """An order as CJ tells of it. A customer's name is protected data and never asked for."""
    return {
        "id": order["id"],
        "name": order["name"],
        "created_at": order["createdAt"],
        "total": order["currentTotalPriceSet"]["shopMoney"]["amount"],
        "status": order["displayFinancialStatus"],
        "items": [line["title"] for line in order["lineItems"]["nodes"][:3]],
        "customer_name": "Guest" if order["customer"] is None else None,
        "is_repeat": is_repeat(order),
    }


def product_record(product: Node) -> dict[str, Any]:
    """A product as CJ tells of it. Stock is None where the store does not track it."""
    prices = product["priceRangeV2"]
    preview = (product["featuredMedia"] or {}).get("preview") or {}
    return {
        "id": product["id"],
        "title": product["title"],
        "inventory": product["totalInventory"] if product["tracksInventory"] else None,
        "min_price": prices["minVariantPrice"]["amount"],
        "max_price": prices["maxVariantPrice"]["amount"],
        "image": (preview.get("image") or {}).get("url"),
    }


def _money(order: Node) -> Mapping[str, str]:
    money: Mapping[str, str] = order["currentTotalPriceSet"]["shopMoney"]
    return money


def _net(order: Node) -> Decimal:
    return Decimal(_money(order)["amount"])


def _moment(order: Node) -> datetime:
    return datetime.fromisoformat(order["createdAt"])


def _by_day(counted: Sequence[Node], zone: tzinfo) -> list[Decimal]:
    """Revenue of every day from the first to the last."""
    days: dict[date, Decimal] = {}
    for order in counted:
        day = _moment(order).astimezone(zone).date()
        days[day] = days.get(day, Decimal(0)) + _net(order)
    first = min(days)
    span = (max(days) - first).days + 1
    return [days.get(first + timedelta(days=n), Decimal(0)) for n in range(span)]

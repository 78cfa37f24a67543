"""What CJ says of a tool's result: only what is in it, and what it does not cover. Pure.

Each takes one result and gives a text, empty where there is nothing to say. A failed result is for
`failure`, and what a part of one was denied for is for `denied`.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from cj.agent.figures import counted, day, listed, many, money, number, quoted, zone_of
from cj.agent.record import clean
from cj.domain import orders as arithmetic

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cj.agent.store import Result

READY = "Your store is all set up and ready to go!"
CUSTOMERS = "read_customers"
PACE_DAYS = 3
_LINES = 5  # of an order, which is all that is asked for
_PATTERNS = {
    "growing": "Revenue is growing: the later days brought more than the earlier ones.",
    "declining": "Revenue is slowing: the later days brought less than the earlier ones.",
    "stable": "Revenue is steady from day to day.",
    "insufficient_data": "These are too few days to speak of a trend.",
    "no_data": "",
}
_AGAIN = "Connect it again at the top of this page"
_ALLOW = "Choose your store at the top of this page, connect it again and allow that"
_FAILURES = {
    "rate_limited": "Shopify asked me to slow down before I had seen everything. Ask me again in "
    "a moment.",
    "reconnect": f"Shopify no longer lets me read your store. {_AGAIN}, then ask me.",
    "not_connected": f"Your store is not connected any more. {_AGAIN}, then ask me.",
    "scopes_missing": f"{{error}} {_ALLOW}, then ask me.",
    "store_closed": "{error}",
}
_TROUBLE = "I'm having trouble accessing your store data right now. Ask me again in a moment."


def failure(result: Result) -> str:
    """Why there is nothing to tell, and what to do about it."""
    return _FAILURES.get(result["code"], _TROUBLE).format(error=result["error"])


def denied(result: Result) -> str:
    """What is missing in a result because a permission is."""
    missing = result.get("missing_scopes")
    if not missing:
        return ""
    return (
        f"Shopify did not show me everything: {listed(missing)} is not granted. {_ALLOW} to "
        "change it."
    )


def counts(result: Result) -> str:
    """How much of everything there is."""
    data = result["data"]
    things = [
        counted(data[key], thing)
        for key, thing in (("customersCount", "customer"), ("productsCount", "product"))
        if data[key] is not None
    ]
    has = f"{quoted(data['shop']['name'])} has {listed(things)}." if things else ""
    return " ".join(filter(None, (has, _order_counts(result))))


def _order_counts(result: Result) -> str:
    data, window = result["data"], result["window"]
    if data["ordersCount"] is None:
        return ""
    when = f"In the last {window['days']} days your store had" if window else "Your store has had"
    orders = counted(data["ordersCount"], "order")
    still = data["openOrdersCount"]
    older = "; Shopify shows me no older ones" if window else ""
    if not data["ordersCount"]["count"]:
        return f"{when} {orders}{older or ' yet'}. {READY}"
    open_ = f", {number(still) if still['count'] else 'none'} of them still open" if still else ""
    return f"{when} {orders}{open_}{older}."


def recent(result: Result) -> str:
    """The newest orders: the very newest, what they come to, and who bought."""
    nodes, shop = result["data"]["orders"]["nodes"], result["data"]["shop"]
    if not nodes:
        return ""
    newest = nodes[0]
    worth, state = money(*_price(newest)), _state(newest)
    first = (
        f"The newest order is {clean(newest['name'])} of "
        f"{day(newest['createdAt'], zone_of(shop))}: {worth}{state and f', {state}'}."
    )
    what = f"the {len(nodes)} newest orders"
    sums = _sums(nodes, shop["currencyCode"], what) if len(nodes) > 1 else ""
    return " ".join(filter(None, (first, sums, _buyers(result))))


def _price(order: Mapping[str, Any]) -> tuple[Decimal, str]:
    """Net of edits and refunds."""
    price = order["currentTotalPriceSet"]["shopMoney"]
    return Decimal(price["amount"]), price["currencyCode"]


def _state(order: Mapping[str, Any]) -> str:
    if order["test"]:
        return "a test order"
    if order["cancelledAt"] is not None:
        return "cancelled"
    return (order["displayFinancialStatus"] or "").lower().replace("_", " ")


def _sums(nodes: Sequence[arithmetic.Node], currency: str, what: str) -> str:
    """What the sales among these orders come to, and what is left out of it."""
    sold = arithmetic.sales(nodes)
    if not sold:
        return f"None of {what} is a sale: test orders and cancelled ones are not."
    lead = f"{what[0].upper()}{what[1:]} come to"
    if len(sold) < len(nodes):
        are = "is a sale" if len(sold) == 1 else "are sales"
        lead = f"Of {what}, {len(sold)} {are} (tests and cancelled ones aside), which makes"
    told = f"{lead} {money(arithmetic.revenue(nodes, currency), currency)} after refunds"
    foreign = len(sold) - len(arithmetic.sales_in(nodes, currency))
    if foreign:
        others = listed(sorted({_price(order)[1] for order in sold} - {currency}))
        told += f", without {foreign} sold in {others}"
    return f"{told}{_pace(sold)}."


def _pace(sold: Sequence[arithmetic.Node]) -> str:
    """Sales a day, where they are spread over days enough to speak of that."""
    moments = [datetime.fromisoformat(order["createdAt"]) for order in sold]
    spread = (max(moments) - min(moments)).days >= PACE_DAYS
    return f", at about {arithmetic.velocity(sold)} sales a day" if spread else ""


def _buyers(result: Result) -> str:
    """Unknown where customers are not shown: everybody would look like a guest."""
    nodes = result["data"]["orders"]["nodes"]
    if CUSTOMERS in result.get("missing_scopes", ()) or not arithmetic.sales(nodes):
        return ""
    again, guests = arithmetic.repeat_orders(nodes), arithmetic.segments(nodes).guest_orders
    told = [f"{many(again, 'sale')} went to repeat customers"]
    if guests:
        told.append(f"{guests} to {'a guest' if guests == 1 else 'guests'}")
    text = listed(told)
    return f"{text[0].upper()}{text[1:]}."


def week(result: Result) -> str:
    """The last days: how many orders, what they come to, and where it goes."""
    data = result["data"]
    nodes, shop, total = data["orders"]["nodes"], data["shop"], data["ordersCount"]
    days = result["window"]["days"]
    if not nodes:
        return f"In the last {days} days your store had no orders."
    cut = data["orders"]["pageInfo"]["hasNextPage"]
    first = f"In the last {days} days your store had {counted(total, 'order')}"
    what = f"the newest {len(nodes)} (as many as I look at)" if cut else "these orders"
    sums = _sums(nodes, shop["currencyCode"], what)
    if cut:  # not all of the days
        return f"{first}. {sums}"
    trend = _PATTERNS[arithmetic.pattern(nodes, shop["currencyCode"], zone_of(shop))]
    return " ".join(filter(None, (f"{first}.", sums, trend)))


def popular(result: Result) -> str:
    """What was ordered most in the last days."""
    nodes, days = result["data"]["orders"]["nodes"], result["window"]["days"]
    items = arithmetic.popular_items(nodes)
    if not items:
        return f"Nothing was sold in the last {days} days."
    told = listed([f"{quoted(item.title)} ({item.count})" for item in items])
    long = any(len(order["lineItems"]["nodes"]) >= _LINES for order in nodes)
    note = f" Of an order I look at the first {_LINES} items." if long else ""
    cut = result["data"]["orders"]["pageInfo"]["hasNextPage"]
    among = f"among the newest {len(nodes)} orders" if cut else f"in the last {days} days"
    return f"Sold most {among}: {told}.{note}"


def customers(result: Result) -> str:
    """How many there are."""
    data = result["data"]
    if data["customersCount"] is None:
        return ""
    return f"{quoted(data['shop']['name'])} has {counted(data['customersCount'], 'customer')}."


def segments(result: Result) -> str:
    """Who bought in the last days, by how often they ever did."""
    nodes, days = result["data"]["orders"]["nodes"], result["window"]["days"]
    if CUSTOMERS in result.get("missing_scopes", ()):
        return ""
    found = arithmetic.segments(nodes)
    kinds = (
        (found.new, f"{'customer' if found.new == 1 else 'customers'} with a first order"),
        (found.returning, f"who came back (2 to {arithmetic.VIP_FROM - 1} orders)"),
        (found.vip, f"with {arithmetic.VIP_FROM} orders or more"),
    )
    told = [f"{n} {kind}" for n, kind in kinds if n]
    if found.guest_orders:
        by = "a guest" if found.guest_orders == 1 else "guests"
        told.append(f"{many(found.guest_orders, 'order')} by {by}")
    if not told:
        return f"Nobody bought in the last {days} days."
    cut = result["data"]["orders"]["pageInfo"]["hasNextPage"]
    among = f"in the newest {len(nodes)} orders" if cut else f"in the last {days} days"
    return f"Who bought {among}: {listed(told)}."


def products(result: Result) -> str:
    """What is stocked most, which is not what sells best."""
    data = result["data"]
    if data["products"] is None:
        return ""
    found = [arithmetic.product_record(node) for node in data["products"]["nodes"]]
    if not found:
        return "There are no active products in your store."
    told = [
        f"{quoted(product['title'])} "
        f"({'stock not tracked' if product['inventory'] is None else product['inventory']})"
        for product in found
    ]
    return f"Most in stock: {listed(told)}. That is stock, not sales: ask me what sells best."


def shop(result: Result) -> str:
    """Which store this is."""
    found = result["data"]["shop"]
    return (
        f"Your store is {quoted(found['name'])} ({found['myshopifyDomain']}). It sells in "
        f"{found['currencyCode']} and its clock is {found['ianaTimezone']}."
    )

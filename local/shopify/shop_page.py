"""The parts of the page about one shop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.shopify.bucket import RATES
from local.shopify.clock import iso
from local.shopify.html import el, form

if TYPE_CHECKING:
    from local.shopify.html import Markup
    from local.shopify.store import Order
    from local.shopify.world import Shop


def installed(shop: Shop) -> Markup:
    if shop.installed:
        return el("span", "installed", class_="good")
    return el("span", "not installed", class_="quiet")


def settings(shop: Shop) -> Markup:
    here = f"/shops/{shop.domain}"
    plans = [el("option", plan, selected=plan == shop.plan) for plan in RATES]
    states = [el("option", s, selected=s == shop.status) for s in ("open", "frozen", "locked")]
    plan = el("select", *plans, name="plan", aria_label="Plan")
    status = el("select", *states, name="status", aria_label="Status")
    return el(
        "section",
        el("h2", "Shop"),
        form("set_plan", plan, el("button", "Change plan"), back=here, shop=shop.domain),
        form("set_status", status, el("button", "Change status"), back=here, shop=shop.domain),
        class_="card",
    )


def orders_table(shop: Shop, orders: list[Order]) -> Markup:
    if not orders:
        return el("p", "None yet.", class_="quiet")
    head = [el("th", text) for text in ("Order", "Placed", "Status", "Total after refunds")]
    rows = [
        el(
            "tr",
            el("td", order.name),
            el("td", iso(order.created_at)),
            el("td", _status(order)),
            el("td", _change(shop, order)),
        )
        for order in orders
    ]
    return el("table", el("thead", el("tr", *head)), el("tbody", *rows))


def _status(order: Order) -> str:
    notes = [order.financial_status.replace("_", " ").lower()]
    notes += ["cancelled"] if order.cancelled_at else []
    notes += ["test"] if order.test else []
    notes += ["guest"] if order.customer_id is None else []
    return ", ".join(notes)


def _change(shop: Shop, order: Order) -> Markup:
    amount = el(
        "input",
        type="number",
        name="current_total",
        value=str(order.current_total),
        step="0.01",
        min=0,
        aria_label=f"Total of {order.name}",
    )
    where = {"shop": shop.domain, "name": order.name}
    back = f"/shops/{shop.domain}"
    return form("change_order", amount, order.currency, el("button", "Change"), back=back, **where)

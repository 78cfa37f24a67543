"""The greeting's figures are the store's own: counted here from the seeds, by other code."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from cj.agent.scripted import Scripted
from cj.agent.store import Store
from cj.shopify.keys import KeyFile

from local.shopify.app import Options, Simulator
from tests.shopify.side import CANDLES, COFFEE, EMPTY, SCOPES, TRAILS, Side
from tests.unit.asked import said

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from cj.store import Database

    from local.shopify.store import Order

TURN_S = 30
TRIGGER = [said("system", "", 1, control="trigger")]
ALL = (EMPTY, CANDLES, COFFEE, TRAILS)


@pytest.fixture
async def side(db: Database, tmp_path: Path) -> AsyncIterator[Side]:
    """CJ beside a simulated Shopify, installed nowhere yet."""
    async with Simulator(Options(webhook_path=None)) as shopify:
        made = Side.of(shopify, db, KeyFile.create(tmp_path / "keys.json").path)
        yield made
        await made.http.aclose()


async def answer(side: Side, shop: str, question: str | None = None) -> str:
    """The greeting, or what CJ says to a question."""
    window = TRIGGER if question is None else [said("user", question, 1)]
    now = side.shopify.clock.now
    store = Store(side.tools, shop, now() + TURN_S, now)
    steps = [step async for step in Scripted().stream(window, 1, store)]
    return "".join(step for step in steps if isinstance(step, str))


def visible(side: Side, shop: str, days: float = 60) -> list[Order]:
    since = side.shopify.clock.today() - timedelta(days=days)
    return [o for o in side.shopify.store(shop).orders if o.created_at >= since]


def sold(orders: list[Order]) -> list[Order]:
    return [o for o in orders if not o.test and o.cancelled_at is None]


def takings(orders: list[Order], currency: str) -> str:
    amount = sum((o.current_total for o in sold(orders) if o.currency == currency), Decimal())
    return f"{amount:,.2f} {currency} after refunds"


def things(count: int, thing: str) -> str:
    shown = "10,000+" if count > 10_000 else f"{count:,}" if count else "no"
    return f"{shown} {thing}{'' if count == 1 else 's'}"


@pytest.mark.parametrize("shop", ALL)
async def test_the_greetings_counts_are_the_stores(side: Side, shop: str) -> None:
    await side.install(shop)
    store, orders = side.shopify.store(shop), visible(side, shop)
    text = await answer(side, shop)
    customers = things(len(store.customers) + store.other_customers, "customer")
    assert f"“{store.name}” has {customers} and {things(len(store.products), 'product')}." in text
    assert f"In the last 60 days your store had {things(len(orders), 'order')}" in text
    still_open = sum(not o.closed and o.cancelled_at is None for o in orders)
    assert (f"{still_open:,} of them still open" in text) == bool(orders)
    assert ("all set up and ready to go" in text) == (not orders)


@pytest.mark.parametrize("shop", [CANDLES, COFFEE, TRAILS])
async def test_the_greetings_newest_orders_are_the_stores(side: Side, shop: str) -> None:
    await side.install(shop)
    store, ten = side.shopify.store(shop), visible(side, shop)[:10]
    text = await answer(side, shop)
    newest = ten[0]
    local = newest.created_at.astimezone(ZoneInfo(store.timezone))
    price = f"{newest.current_total:,.2f} {newest.currency}"
    assert f"The newest order is {newest.name} of {local.day} {local:%B}: {price}, " in text
    counted = sold(ten)
    assert f"Of the {len(ten)} newest orders, {len(counted)} are sales" in text
    assert f"which makes {takings(ten, store.currency)}" in text
    lives = Counter(o.customer_id for o in store.orders if not o.test)
    again = sum(o.customer_id is not None and lives[o.customer_id] > 1 for o in counted)
    guests = sum(o.customer_id is None for o in counted)
    assert f"{things(again, 'sale')} went to repeat customers" in text
    assert (f"and {guests} to " in text) == bool(guests)


async def test_one_changed_order_changes_the_greeting(side: Side) -> None:
    await side.install(CANDLES)
    before = await answer(side, CANDLES)
    await side.tools.cache.forget(CANDLES)
    assert await answer(side, CANDLES) == before
    side.shopify.control.change_order(shop=CANDLES, name="#1008", current_total="1234.56")
    await side.tools.cache.forget(CANDLES)
    after = await answer(side, CANDLES)
    assert "The newest order is #1008" in after
    assert "1,234.56 EUR" in after
    assert takings(visible(side, CANDLES)[:10], "EUR") in after
    assert takings(visible(side, CANDLES)[:10], "EUR") not in before


async def test_every_number_of_the_greeting_is_one_that_was_counted(side: Side) -> None:
    """An invented one would be none of these."""
    await side.install(CANDLES)
    store, orders = side.shopify.store(CANDLES), visible(side, CANDLES)
    text = await answer(side, CANDLES)
    counted = sold(orders)
    span = max(o.created_at for o in counted) - min(o.created_at for o in counted)
    newest = orders[0]
    lives = Counter(o.customer_id for o in store.orders if not o.test)
    known = {
        len(store.customers) + store.other_customers,
        len(store.products),
        60,
        len(orders),
        sum(not o.closed and o.cancelled_at is None for o in orders),
        int(newest.name[1:]),
        newest.created_at.astimezone(ZoneInfo(store.timezone)).day,
        newest.current_total,
        len(counted),
        sum((o.current_total for o in counted), Decimal()),
        round(Decimal(len(counted)) / span.days, 1),
        sum(o.customer_id is not None and lives[o.customer_id] > 1 for o in counted),
        sum(o.customer_id is None for o in counted),
    }
    said_ = {Decimal(n.replace(",", "")) for n in re.findall(r"\d[\d,]*(?:\.\d+)?", text)}
    assert said_ <= {Decimal(n) for n in known}
    assert len(said_) >= 9


@pytest.mark.parametrize("shop", [CANDLES, COFFEE])
async def test_a_weeks_figures_are_the_stores(side: Side, shop: str) -> None:
    await side.install(shop)
    store, orders = side.shopify.store(shop), visible(side, shop, days=7)
    text = await answer(side, shop, "How was last week?")
    assert f"In the last 7 days your store had {len(orders)} orders." in text
    assert takings(orders, store.currency) in text
    foreign = [o for o in sold(orders) if o.currency != store.currency]
    assert (f"without {len(foreign)} sold in CAD" in text) == bool(foreign)
    best = await answer(side, shop, "what sells best?")
    pieces: Counter[Any] = Counter()
    for order in sold(orders):
        for line in order.lines[:5]:
            pieces[line.product_id or line.title] += line.current_quantity
    told = [int(n) for n in re.findall(r"\((\d+)\)", best)]
    assert told == [n for _, n in pieces.most_common(5) if n]


async def test_only_sixty_days_are_told_of_although_the_store_is_older(side: Side) -> None:
    await side.install(TRAILS)
    everything, seen = side.shopify.store(TRAILS).orders, visible(side, TRAILS)
    text = await answer(side, TRAILS)
    assert len(seen) < len(everything)
    assert f"{len(seen):,} orders" in text
    assert f"{len(everything):,}" not in text
    assert "Shopify shows me no older ones" in text


async def test_a_store_that_shows_everything_is_told_without_a_window(side: Side) -> None:
    await side.install(TRAILS, (*SCOPES, "read_all_orders"))
    text = await answer(side, TRAILS)
    orders = len(side.shopify.store(TRAILS).orders)
    assert f"Your store has had {orders:,} orders" in text
    assert "older" not in text


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("throttled", "Shopify asked me to slow down"),
        ("rate_limited", "Shopify asked me to slow down"),
        ("server_error", "I'm having trouble accessing your store data right now"),
        ("unauthorized", "Shopify no longer lets me read your store"),
        ("forbidden", "Shopify does not let CJ read this store"),
    ],
)
async def test_when_shopify_fails_the_greeting_says_so_and_makes_up_nothing(
    side: Side, kind: str, words: str
) -> None:
    await side.install(CANDLES)
    side.shopify.control.add_fault(kind=kind, on="graphql", times=None)
    text = await answer(side, CANDLES)
    assert text.startswith("Welcome!")
    assert words in text
    assert not any(letter.isdigit() for letter in text)


async def test_a_permission_that_was_not_granted_is_named_and_the_rest_is_told(
    side: Side,
) -> None:
    await side.install(CANDLES)
    side.shopify.world.shop(CANDLES).scopes = ["read_orders", "read_products"]
    text = await answer(side, CANDLES)
    assert f"has {things(len(side.shopify.store(CANDLES).products), 'product')}." in text
    assert "read_customers is not granted" in text
    assert "guest" not in text
    side.shopify.world.shop(CANDLES).scopes = ["read_customers", "read_products"]
    without = await answer(side, CANDLES)
    assert "read_orders is not granted" in without
    assert "order is" not in without


async def test_a_text_that_names_another_shop_gets_the_own_ones_figures(side: Side) -> None:
    await side.install(CANDLES)
    await side.install(COFFEE)
    text = await answer(side, CANDLES, f"How many orders does {COFFEE} have?")
    assert "“Corner Candles”" in text
    assert "Harbour" not in text

"""What CJ says of a store's figures: what is in them, in the store's terms, and nothing else."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.unit.asked import (
    Shelf,
    answer,
    at_least,
    counts,
    failed,
    line,
    order,
    overview,
    product,
    recent,
    week,
)

ORDERS, WEEK, BEST, BUYERS, STOCK = (
    "my orders",
    "how was last week",
    "what sells best",
    "my customers",
    "my products",
)


async def asked(question: str, **results: Any) -> str:
    return await answer(question, store=Shelf(**results))


async def test_the_counts_name_what_there_is_and_how_far_back_it_goes() -> None:
    text = await asked(ORDERS)
    assert "“Corner Shop” has 7 customers and 6 products." in text
    assert (
        "In the last 60 days your store had 8 orders, 5 of them still open; Shopify shows me no "
        "older ones." in text
    )


async def test_where_shopify_stops_counting_there_are_more() -> None:
    many = counts(customers=at_least(10_000), orders=at_least(10_000), still_open=1)
    text = await asked(ORDERS, counts=many)
    assert "10,000+ customers" in text
    assert "had 10,000+ orders, 1 of them still open" in text


async def test_a_store_that_shows_all_its_orders_has_no_window() -> None:
    text = await asked(ORDERS, counts=counts(orders=1, still_open=0, window=None))
    assert "Your store has had 1 order, none of them still open." in text
    assert "days" not in text


@pytest.mark.parametrize(
    ("window", "words"),
    [
        ({}, "In the last 60 days your store had no orders; Shopify shows me no older ones."),
        ({"window": None}, "Your store has had no orders yet."),
    ],
)
async def test_an_empty_store_is_ready(window: dict[str, Any], words: str) -> None:
    empty = counts(customers=0, products=1, orders=0, still_open=0, **window)
    text = await asked(ORDERS, counts=empty, recent=recent())
    assert f"has no customers and 1 product. {words} Your store is all set up and ready" in text
    assert "newest" not in text


async def test_nothing_is_ever_called_a_total() -> None:
    for question in (ORDERS, WEEK, BEST, BUYERS, STOCK, "my shop"):
        assert "total" not in (await asked(question)).lower()


async def test_the_newest_order_is_told_with_its_price_its_state_and_the_stores_own_day() -> None:
    late = order(9, "1234.5", createdAt="2026-11-20T23:30:00Z")
    text = await asked(ORDERS, recent=recent(late))
    assert "The newest order is #9 of 21 November: 1,234.50 EUR, paid." in text


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"test": True}, "a test order"),
        ({"cancelledAt": "2026-11-20T13:00:00Z"}, "cancelled"),
        ({"displayFinancialStatus": "PARTIALLY_REFUNDED"}, "partially refunded"),
    ],
)
async def test_an_order_that_is_not_simply_paid_says_so(state: dict[str, Any], words: str) -> None:
    assert f"10.00 EUR, {words}." in await asked(ORDERS, recent=recent(order(**state)))


@pytest.mark.parametrize(
    ("currency", "amount", "words"),
    [("JPY", "1200.0", "1,200 JPY"), ("KWD", "3.5", "3.500 KWD"), ("EUR", "3", "3.00 EUR")],
)
async def test_money_has_the_decimals_of_its_currency(
    currency: str, amount: str, words: str
) -> None:
    assert f": {words}, paid." in await asked(ORDERS, recent=recent(order(1, amount, currency)))


async def test_tests_and_cancelled_orders_are_in_no_sum() -> None:
    orders = [order(3, "7.00"), order(2, test=True), order(1, cancelledAt="2026-11-20T13:00:00Z")]
    text = await asked(ORDERS, recent=recent(*orders))
    assert "Of the 3 newest orders, 1 is a sale" in text
    assert "which makes 7.00 EUR after refunds." in text
    none = await asked(ORDERS, recent=recent(*orders[1:]))
    assert "None of the 2 newest orders is a sale" in none


async def test_another_currency_is_left_out_of_the_sum_and_said_to_be() -> None:
    orders = [order(3, "7.00"), order(2, "9.00", "CAD"), order(1, "9.00", "CAD")]
    text = await asked(ORDERS, recent=recent(*orders))
    assert "The 3 newest orders come to 7.00 EUR after refunds, without 2 sold in CAD." in text


@pytest.mark.parametrize(("oldest", "pace"), [("2026-11-16", "0.5"), ("2026-11-19", None)])
async def test_a_pace_is_told_where_there_are_days_enough(oldest: str, pace: str | None) -> None:
    text = await asked(ORDERS, recent=recent(order(2), order(1, createdAt=f"{oldest}T12:00:00Z")))
    found = re.search(r"at about ([\d.]+) sales a day", text)
    assert (found and found[1]) == pace


async def test_who_bought_is_told_with_its_guests() -> None:
    new = {"customer": {"id": "gid://shopify/Customer/2", "numberOfOrders": "1"}}
    orders = [order(4), order(3, **new), order(2, customer=None), order(1, customer=None)]
    text = await asked(ORDERS, recent=recent(*orders))
    assert "1 sale went to repeat customers and 2 to guests." in text


async def test_hidden_customers_are_not_taken_for_guests() -> None:
    denied = {"missing_scopes": ["read_customers"]}
    nobody = order(1, customer=None)
    text = await asked(
        "my orders and then my customers",
        counts=counts(customers=None, **denied),
        week=week(nobody, **denied),
    )
    assert "guest" not in text
    assert "customers." not in text
    assert "read_customers is not granted" in text
    assert text.count("read_customers") == 1
    orders = await asked(ORDERS, recent=recent(nobody, nobody, **denied))
    assert "guest" not in orders


async def test_a_week_is_told_with_where_it_goes() -> None:
    days = [order(n, f"{n}.00", createdAt=f"2026-11-{14 + n}T12:00:00Z") for n in (5, 4, 3, 2, 1)]
    text = await asked(WEEK, week=week(*days))
    assert "In the last 7 days your store had 5 orders." in text
    assert "These orders come to 15.00 EUR after refunds, at about 1.3 sales a day." in text
    assert "Revenue is growing" in text
    assert "slowing" in await asked(WEEK, week=week(*_turned(days)))


def _turned(days: list[Any]) -> list[Any]:
    """The first day's takings on the last one, and so on."""
    moments = [day["createdAt"] for day in reversed(days)]
    return [{**day, "createdAt": at} for day, at in zip(days, moments, strict=True)]


async def test_a_week_that_was_not_looked_at_whole_is_told_as_such() -> None:
    text = await asked(WEEK, week=week(order(3), order(2), total=255))
    assert "your store had 255 orders." in text
    assert "The newest 2 (as many as I look at) come to 20.00 EUR" in text
    assert "Revenue" not in text
    best = await asked(BEST, week=week(order(3), order(2), total=255))
    assert "among the newest 2 orders" in best


async def test_an_empty_week_is_no_trend() -> None:
    assert await asked(WEEK, week=week()) == "In the last 7 days your store had no orders."
    assert await asked(BEST, week=week()) == "Nothing was sold in the last 7 days."
    assert "Nobody bought in the last 7 days." in await asked(BUYERS, week=week())


async def test_what_sold_best_is_counted_in_pieces() -> None:
    lines = {"nodes": [line("Wick", 2), line("Candle", 3)]}
    text = await asked(BEST, week=week(order(2, lineItems=lines), order(1)))
    assert "Sold most in the last 7 days: “Candle” (4) and “Wick” (2)." in text
    long = {"nodes": [line(f"Thing {n}") for n in range(5)]}
    assert "the first 5 items" in await asked(BEST, week=week(order(1, lineItems=long)))


async def test_buyers_are_told_by_how_often_they_ever_bought() -> None:
    lives = [(1, "1"), (2, "1"), (3, "4"), (4, "5")]
    orders = [
        order(n, customer={"id": f"gid://shopify/Customer/{n}", "numberOfOrders": life})
        for n, life in lives
    ]
    text = await asked(BUYERS, week=week(*orders, order(5, customer=None)))
    assert "“Corner Shop” has 7 customers." in text
    assert (
        "2 customers with a first order, 1 who came back (2 to 4 orders), 1 with 5 orders or more "
        "and 1 order by a guest." in text
    )


async def test_stock_is_not_called_sales_and_means_nothing_where_it_is_not_tracked() -> None:
    stocked = overview(product("Candle", 143), product("Wick", -2, tracked=False))
    text = await asked(STOCK, overview=stocked)
    assert text.startswith("Most in stock: “Candle” (143) and “Wick” (stock not tracked).")
    assert "not sales" in text
    assert await asked(STOCK, overview=overview()) == "There are no active products in your store."


async def test_a_title_of_the_stores_stays_on_its_line_and_in_its_quotes() -> None:
    sly = "Free\n\nWelcome! I'm CJ:\u202e\u0000 " + "x" * 100
    text = await asked(STOCK, overview=overview(product(sly, 1)))
    assert "\n" not in text
    assert re.search(r"“Free Welcome! I'm CJ: x+…” \(1\)", text)
    assert not {"\u202e", "\0"} & set(text)


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("rate_limited", "Ask me again in a moment"),
        ("shopify_unavailable", "Ask me again in a moment"),
        ("unavailable", "Ask me again in a moment"),
        ("shopify_failed", "Ask me again in a moment"),
        ("reconnect", "Connect it again at the top of this page"),
        ("not_connected", "Connect it again at the top of this page"),
        ("scopes_missing", "Choose your store at the top of this page"),
        ("store_closed", "It did not work."),
    ],
)
async def test_where_nothing_can_be_seen_cj_says_why_once_and_what_to_do(
    code: str, advice: str
) -> None:
    shelf = Shelf(counts=failed(code), recent=failed(code))
    text = await answer(ORDERS, store=shelf)
    assert text.count(advice) == 1
    assert not any(letter.isdigit() for letter in text)
    assert "{" not in text


async def test_what_was_seen_is_told_although_the_rest_was_not() -> None:
    text = await asked(ORDERS, recent=failed("rate_limited"))
    assert "has 7 customers" in text
    assert text.endswith("Ask me again in a moment.")


async def test_a_zone_nobody_knows_is_read_as_utc() -> None:
    found = recent(order(9, createdAt="2026-11-20T23:30:00Z"))
    for zone in ("Nowhere/At_All", "../etc/passwd", ""):
        found["data"]["shop"] = {**found["data"]["shop"], "ianaTimezone": zone}
        assert "of 20 November" in await asked(ORDERS, recent=found)

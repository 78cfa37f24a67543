"""Shopify's search syntax, on orders of which one knows everything."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from local.shopify.search import Search, SearchUnsupported
from local.shopify.search_fields import ORDERS, OTHER_ORDERS
from local.shopify.seeds import stores
from tests.shopify_simulator.application import CANDLES, NOON

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.shopify_simulator.application import Session

NOW = datetime.fromtimestamp(NOON, UTC)
ALL = stores(NOW)[CANDLES].orders  # eight, one of each kind


def searched(query: str | None) -> tuple[set[str], list[str]]:
    """The last digits of what is found, and the codes of the warnings."""
    search = Search(ORDERS, OTHER_ORDERS, lambda o: str(o.name), NOW)
    found = search.finder(query)
    return {o.name[-1] for o in ALL if found(o)}, [w["code"] for w in search.warnings]


def names(wanted: Callable[..., bool]) -> set[str]:
    return {o.name[-1] for o in ALL if wanted(o)}


EVERY = names(lambda _: True)
CANCELLED = names(lambda o: o.cancelled_at is not None)
TEST = names(lambda o: o.test)
PAID = names(lambda o: o.financial_status == "PAID")
CLOSED = names(lambda o: o.financial_status == "PAID" and o.fulfillment_status == "FULFILLED")
THIRD = sorted(ALL, key=lambda o: o.created_at)[2].created_at
SINCE = names(lambda o: o.created_at >= THIRD)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (None, EVERY),
        ("  ", EVERY),
        ("status:cancelled", CANCELLED),
        ("-status:cancelled", EVERY - CANCELLED),
        ("NOT status:cancelled", EVERY - CANCELLED),
        ("status:closed", CLOSED),
        ("status:not_closed", EVERY - CLOSED),
        ("status:open", EVERY - CLOSED - CANCELLED),
        ("test:true", TEST),
        ("test:false financial_status:paid", PAID - TEST),
        ("test:false AND financial_status:PAID", PAID - TEST),
        ("status:cancelled OR test:true", CANCELLED | TEST),
        ("-(status:cancelled OR test:true)", EVERY - CANCELLED - TEST),
        (f"created_at:>='{THIRD.isoformat()}'", SINCE),
        (f'created_at:>="{THIRD.isoformat()}"', SINCE),
        (f"created_at:<'{THIRD.isoformat()}'", EVERY - SINCE),
        ("created_at:>2026", EVERY),
        ("created_at:>now", set()),
        ("#1008", {"8"}),
        ("name:'#1008'", {"8"}),
        (f"id:{ALL[0].id}", {"8"}),
        (f"id:'gid://shopify/Order/{ALL[0].id}'", {"8"}),
        ("current_total_price:<=0", names(lambda o: not o.current_total)),
        ("id:something", set()),
    ],
)
def test_a_query_finds_what_it_says(query: str | None, found: set[str]) -> None:
    assert CANCELLED and TEST and CLOSED and EVERY > SINCE
    assert searched(query) == (found, [])


def test_a_field_that_shopify_does_not_know_is_ignored_with_a_warning() -> None:
    assert searched("colour:red test:true") == (TEST, ["invalid_field"])
    assert searched("-colour:red") == (EVERY, ["invalid_field"])


def test_a_moment_that_is_none_is_ignored_with_a_warning() -> None:
    assert searched("created_at:>=yesterday") == (EVERY, ["invalid_value"])


@pytest.mark.parametrize(
    "query",
    [
        "tag:VIP",
        "(test:true",
        "test:true)",
        "'open",
        "created_at:>2026-11-01T00:00:00Z",
        "metafields.a.b:1",
    ],
)
def test_what_only_the_simulation_cannot_do_is_an_error(query: str) -> None:
    with pytest.raises(SearchUnsupported):
        searched(query)


async def test_warnings_stand_beside_the_answer(
    enter: Callable[..., Awaitable[Session]],
) -> None:
    ask = await enter(CANDLES)
    told = await ask('{ a: ordersCount(query: "colour:red") { count } }')
    assert told["data"]["a"]["count"] == 8
    (searched_for,) = told["extensions"]["search"]
    assert searched_for["path"] == ["a"]
    assert searched_for["warnings"][0]["field"] == "colour"
    told = await ask('{ ordersCount(query: "tag:VIP") { count } }')
    assert "cannot search by tag" in told["errors"][0]["message"]

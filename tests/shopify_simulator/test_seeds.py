"""The seeded shops: always the same, and with everything that a careless sum trips over."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from local.shopify.seeds import RECIPES, store, stores
from tests.shopify_simulator.application import CANDLES, COFFEE, EMPTY, NOON, TRAILS

if TYPE_CHECKING:
    from local.shopify.store import Order, Store

NOW = datetime.fromtimestamp(NOON, UTC)
SHOPS = stores(NOW)
SOLD = [CANDLES, COFFEE, TRAILS]


def test_there_are_four_with_0_8_120_and_1500_orders() -> None:
    counts = {domain: len(shop.orders) for domain, shop in SHOPS.items()}
    assert counts == {EMPTY: 0, CANDLES: 8, COFFEE: 120, TRAILS: 1_500}


def test_they_are_the_same_every_time_and_everywhere() -> None:
    """A change of the figures is a change of this sum, and of tests that count on them."""
    figures = [
        (o.name, str(NOW - o.created_at), str(o.current_total), o.customer_id)
        for domain in SOLD
        for o in SHOPS[domain].orders
    ]
    assert stores(NOW) == SHOPS
    assert hashlib.sha256(repr(figures).encode()).hexdigest()[:16] == "41907c6e5fb59d23"


def test_dates_are_relative_to_the_moment_asked_for() -> None:
    later = stores(NOW + timedelta(days=3))
    for domain in SOLD:
        for before, after in zip(SHOPS[domain].orders, later[domain].orders, strict=True):
            assert after.created_at - before.created_at == timedelta(days=3)


@pytest.mark.parametrize("domain", SOLD)
def test_orders_come_newest_first_and_lie_in_the_past(domain: str) -> None:
    moments = [o.created_at for o in SHOPS[domain].orders]
    assert moments == sorted(moments, reverse=True)
    assert all(SHOPS[domain].created_at < moment < NOW for moment in moments)
    assert moments[0] > NOW - timedelta(days=2)


@pytest.mark.parametrize("domain", SOLD)
def test_each_has_a_guest_a_cancelled_a_test_a_refunded_and_a_foreign_order(domain: str) -> None:
    orders = SHOPS[domain].orders
    assert any(o.customer_id is None for o in orders)
    assert any(o.cancelled_at for o in orders)
    assert any(o.test for o in orders)
    assert any(o.presentment_currency != o.currency for o in orders)
    statuses = Counter(o.financial_status for o in orders)
    assert {"PAID", "PENDING", "REFUNDED", "PARTIALLY_REFUNDED", "VOIDED"} == set(statuses)


@pytest.mark.parametrize("domain", SOLD)
def test_totals_are_the_sums_of_their_lines(domain: str) -> None:
    for order in SHOPS[domain].orders:
        assert order.total == sum(line.quantity * line.price for line in order.lines)
        left = sum(line.current_quantity * line.price for line in order.lines)
        assert order.current_total == left
        gone = order.financial_status in ("VOIDED", "REFUNDED")
        assert (left == 0) == gone
        if order.financial_status == "PARTIALLY_REFUNDED":
            assert 0 < left < order.total


def test_a_shop_that_changed_its_currency_has_orders_in_both() -> None:
    recent = [o for o in SHOPS[COFFEE].orders if o.created_at > NOW - timedelta(days=7)]
    assert {o.currency for o in recent} == {"USD", "CAD"}


def test_a_large_shop_has_new_returning_and_frequent_customers() -> None:
    counts = Counter(o.customer_id for o in SHOPS[TRAILS].orders if o.customer_id).values()
    assert min(counts) == 1
    assert any(2 <= n <= 4 for n in counts)
    assert any(n >= 5 for n in counts)


def test_another_domain_has_other_figures_of_the_same_kind() -> None:
    other = store("another.myshopify.com", RECIPES[CANDLES], NOW, "Another")
    assert len(other.orders) == 8
    assert other.name == "Another"
    assert [o.total for o in other.orders] != [o.total for o in SHOPS[CANDLES].orders]
    assert {o.id for o in other.orders}.isdisjoint({o.id for o in SHOPS[CANDLES].orders})


def edit(order: Order, **given: object) -> Store:
    return SHOPS[CANDLES].changed({order.id: given})


def test_an_order_that_moves_in_time_is_sorted_in_again() -> None:
    newest = SHOPS[CANDLES].orders[0]
    moved = edit(newest, created_at="2026-11-01T00:00:00Z").orders
    assert moved[-1].name == newest.name
    assert len(moved) == 8


@pytest.mark.parametrize(
    "wrong",
    [
        {"total": "much"},
        {"created_at": "yesterday"},
        {"created_at": "2026-11-01T00:00:00"},
        {"test": "yes"},
        {"name": "#1"},
        {"id": 1},
    ],
)
def test_a_change_that_no_order_can_have_names_its_field(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        edit(SHOPS[CANDLES].orders[0], **wrong)

"""The arithmetic of orders, on nodes as Shopify sends them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from cj.domain.orders import (
    Item,
    Segments,
    order_record,
    pattern,
    popular_items,
    product_record,
    repeat_orders,
    revenue,
    sales,
    sales_in,
    segments,
    velocity,
)
from hypothesis import given
from hypothesis import strategies as st

START = datetime(2026, 11, 1, 12, tzinfo=UTC)
Node = dict[str, Any]


def order(amount: str = "10.00", day: float = 0, **changed: Any) -> Node:
    made: Node = {
        "id": f"gid://shopify/Order/{day}",
        "name": "#1001",
        "createdAt": (START + timedelta(days=day)).isoformat().replace("+00:00", "Z"),
        "cancelledAt": None,
        "test": False,
        "displayFinancialStatus": "PAID",
        "currentTotalPriceSet": {"shopMoney": {"amount": amount, "currencyCode": "EUR"}},
        "customer": None,
        "lineItems": {"nodes": []},
    }
    return {**made, **changed}


def customer(name: str, orders: str) -> Node:
    return {"id": name, "numberOfOrders": orders}


def line(title: str, quantity: int, product: str | None = None) -> Node:
    return {
        "title": title,
        "quantity": quantity + 1,
        "currentQuantity": quantity,
        "product": {"id": product} if product else None,
    }


def lines(*nodes: Node) -> Node:
    return {"nodes": list(nodes)}


TEST = order("1000", test=True)
CANCELLED = order("1000", cancelledAt="2026-11-02T00:00:00Z")
DOLLARS = {"currentTotalPriceSet": {"shopMoney": {"amount": "5", "currencyCode": "USD"}}}
NO_SALES = [TEST, CANCELLED]


def test_tests_and_cancelled_orders_are_no_sales() -> None:
    real = order()
    assert sales([TEST, real, CANCELLED]) == [real]


def test_revenue_is_exact() -> None:
    orders = [order("0.10"), order("0.20"), *NO_SALES]
    assert revenue(orders, "EUR") == Decimal("0.30")
    assert revenue([], "EUR") == 0


def test_what_was_sold_in_another_currency_is_in_no_sum() -> None:
    euros = order("7")
    orders = [order("5", 5, **DOLLARS), euros, order("5", 9, **DOLLARS)]
    assert revenue(orders, "EUR") == 7
    assert sales_in(orders, "EUR") == [euros]
    assert pattern(orders, "EUR", UTC) == "insufficient_data"
    assert velocity(orders) == Decimal("0.3")  # orders are orders


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ([], "0.0"),
        ([0], "0.0"),
        ([0, 0.5], "2.0"),  # less than a day counts as one
        ([0, 1.9], "2.0"),  # whole days
        ([0, 1, 2], "1.5"),
        ([2, 0, 1], "1.5"),  # in any order
        ([0, 0, 0, 0, 3], "1.7"),
        ([0, 0, 0, 0, 4], "1.3"),  # 1.25: half up
    ],
)
def test_velocity_is_sales_per_day_to_one_decimal(days: list[float], expected: str) -> None:
    found = velocity([order(day=day) for day in days] + NO_SALES)
    assert str(found) == expected


def test_customers_are_new_returning_or_vip_and_counted_once() -> None:
    orders = [
        order(customer=customer("a", "0")),
        order(customer=customer("b", "1")),
        order(customer=customer("c", "2")),
        order(customer=customer("d", "4")),
        order(customer=customer("e", "5")),
        order(customer=customer("e", "5")),
        order(),
        order(customer=customer("f", "99"), test=True),
    ]
    assert segments(orders) == Segments(new=2, returning=2, vip=1, guest_orders=1)
    assert repeat_orders(orders) == 4


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [
        ([], "no_data"),
        (["1"], "insufficient_data"),
        (["1", "9"], "insufficient_data"),
        (["10", "0", "12.01"], "growing"),
        (["10", "999", "12"], "stable"),  # exactly 1.2 times; the middle day is in neither half
        (["10", "0", "8"], "stable"),  # exactly 0.8 times
        (["10", "0", "7.99"], "declining"),
        (["1", "1", "2", "2"], "growing"),
        (["0", "0", "0"], "stable"),
        (["0", "0", "0.01"], "growing"),
    ],
)
def test_the_pattern_compares_the_later_days_with_the_earlier(
    amounts: list[str], expected: str
) -> None:
    orders = [order(amount, day) for day, amount in enumerate(amounts)]
    assert pattern([*orders, *NO_SALES], "EUR", UTC) == expected


def test_days_without_a_sale_count_in_the_pattern() -> None:
    assert pattern([order("10", 0), order("10", 1), order("10", 6)], "EUR", UTC) == "declining"


def test_days_are_the_stores_own() -> None:
    late = [order("1", 0.4), order("1", 0.6), order("1", 1.6)]  # in UTC: the 1st, 2nd and 3rd
    assert pattern(late, "EUR", UTC) == "stable"
    assert pattern(late, "EUR", ZoneInfo("America/New_York")) == "insufficient_data"


@given(st.lists(st.tuples(st.decimals(0, 1000, places=2), st.integers(0, 9)), max_size=30))
def test_the_pattern_does_not_depend_on_the_order_of_the_orders(
    sold: list[tuple[Decimal, int]],
) -> None:
    orders = [order(str(amount), day) for amount, day in sold]
    assert pattern(orders, "EUR", UTC) == pattern(orders[::-1], "EUR", UTC)


def test_popular_items_are_net_of_what_was_taken_back() -> None:
    orders = [
        order(lineItems=lines(line("Mug", 2, "p1"), line("Tea", 2, "p2"), line("Cup", 0, "p3"))),
        order(lineItems=lines(line("Mug, blue", 1, "p1"), line("Gift", 1), line("Gift", 1))),
        order(lineItems=lines(line("Cup", 50, "p3")), test=True),
    ]
    assert popular_items(orders) == [Item("Mug", 3), Item("Gift", 2), Item("Tea", 2)]


def test_five_popular_items_are_enough() -> None:
    orders = [order(lineItems=lines(*(line(f"{n}", n, f"{n}") for n in range(9))))]
    assert [item.title for item in popular_items(orders)] == ["8", "7", "6", "5", "4"]
    assert popular_items(orders, 1) == [Item("8", 8)]


def test_an_order_is_told_without_a_name_of_the_customer() -> None:
    told = order_record(
        order(
            "7.50",
            customer=customer("a", "2"),
            lineItems=lines(*(line(title, 1) for title in "abcd")),
        )
    )
    assert told == {
        "id": "gid://shopify/Order/0",
        "name": "#1001",
        "created_at": "2026-11-01T12:00:00Z",
        "total": "7.50",
        "status": "PAID",
        "items": ["a", "b", "c"],
        "customer_name": None,
        "is_repeat": True,
    }


def test_a_guest_is_a_guest_and_never_back() -> None:
    told = order_record(order())
    assert (told["customer_name"], told["is_repeat"]) == ("Guest", False)


def product(**changed: Any) -> Node:
    price = {"amount": "1.00", "currencyCode": "EUR"}
    made: Node = {
        "id": "p1",
        "title": "Mug",
        "totalInventory": 7,
        "tracksInventory": True,
        "priceRangeV2": {"minVariantPrice": price, "maxVariantPrice": {**price, "amount": "2.00"}},
        "featuredMedia": {"preview": {"image": {"url": "https://cdn.example/mug.png"}}},
    }
    return {**made, **changed}


def test_a_product_is_told_with_its_prices_stock_and_picture() -> None:
    assert product_record(product()) == {
        "id": "p1",
        "title": "Mug",
        "inventory": 7,
        "min_price": "1.00",
        "max_price": "2.00",
        "image": "https://cdn.example/mug.png",
    }


@pytest.mark.parametrize("media", [None, {"preview": None}, {"preview": {"image": None}}])
def test_a_product_without_a_picture_or_tracked_stock_is_told_without(media: Node | None) -> None:
    told = product_record(product(featuredMedia=media, tracksInventory=False))
    assert (told["image"], told["inventory"]) == (None, None)

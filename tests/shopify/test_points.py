"""What is known of a store's bucket: a guess that fills again and Shopify corrects."""

from __future__ import annotations

from typing import Any

import pytest
from cj.shopify.points import Points

SHOP = "a.myshopify.com"


class Still:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def told(available: object, maximum: object = 1_000, rate: object = 50) -> dict[str, Any]:
    status = {
        "currentlyAvailable": available,
        "maximumAvailable": maximum,
        "restoreRate": rate,
    }
    return {"throttleStatus": status}


def test_nothing_known_is_nothing_to_wait_for() -> None:
    assert Points(Still()).wait_s(SHOP, 10**9) == 0


def test_what_was_spent_comes_back_with_time_up_to_the_brim() -> None:
    clock = Still()
    points = Points(clock)
    points.learn(SHOP, told(100))
    points.spend(SHOP, 90)
    assert points.wait_s(SHOP, 10) == 0
    assert points.wait_s(SHOP, 11) == 1
    assert points.wait_s(SHOP, 111) == 3  # 101 points at 50 a second
    clock.now = -1_000
    assert points.wait_s(SHOP, 111) == 3
    clock.now = 1_000
    assert points.wait_s(SHOP, 1_000) == 0
    assert points.wait_s(SHOP, 1_001) == 1
    assert points.never(SHOP, 1_001)
    assert not points.never(SHOP, 1_000)


def test_a_bucket_that_never_fills_is_not_waited_for() -> None:
    points = Points(Still())
    points.learn(SHOP, told(0, rate=0))
    assert points.wait_s(SHOP, 1) == 0


@pytest.mark.parametrize(
    "cost", [{}, {"throttleStatus": None}, told(None), told("1"), told(float("nan"))]
)
def test_figures_that_are_none_change_nothing(cost: dict[str, Any]) -> None:
    points = Points(Still())
    points.learn(SHOP, told(0))
    points.learn(SHOP, cost)
    assert points.wait_s(SHOP, 50) == 1


def test_a_thousand_stores_are_remembered() -> None:
    points = Points(Still())
    for n in range(1_001):
        points.learn(f"{n}", told(0))
    assert [points.wait_s(shop, 50) for shop in ("0", "1", "1000")] == [0, 1, 1]

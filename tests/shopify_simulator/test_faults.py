"""What goes wrong on purpose, as a client meets it on the wire."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx
import pytest

from local.shopify.control import ControlRefused
from local.shopify.faults import KINDS
from tests.shopify_simulator.application import CANDLES, COFFEE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.shopify_simulator.application import App, Session

    Enter = Callable[..., Awaitable[Session]]

SHOP = "{ shop { name } }"


@pytest.mark.parametrize(
    ("kind", "status"),
    [("rate_limited", 429), ("server_error", 503), ("unauthorized", 401), ("forbidden", 403)],
)
async def test_a_fault_comes_as_often_as_it_was_asked_for(
    enter: Enter, app: App, kind: str, status: int
) -> None:
    ask = await enter(CANDLES)
    app.shopify.control.add_fault(kind=kind, on="graphql", times=2)
    got = [(await app.ask(CANDLES, ask.token, SHOP)).status_code for _ in range(3)]
    assert got == [status, status, 200]


async def test_too_many_requests_name_their_wait_as_shopify_does(app: App) -> None:
    for on in ("graphql", "token"):
        app.shopify.control.add_fault(kind="rate_limited", on=on)
    for answer in (await app.ask(CANDLES, "", SHOP), await app.token(CANDLES)):
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "2.0")


async def test_a_fault_may_last_until_it_is_cleared_and_be_of_one_shop(
    enter: Enter, app: App
) -> None:
    candles, coffee = await enter(CANDLES), await enter(COFFEE)
    fault = {"kind": "server_error", "on": "graphql", "times": None, "shop": CANDLES}
    app.shopify.control.add_fault(**fault, status=500)
    for _ in range(4):
        assert (await app.ask(CANDLES, candles.token, SHOP)).status_code == 500
        assert (await app.ask(COFFEE, coffee.token, SHOP)).status_code == 200
    app.shopify.control.clear_faults()
    assert (await app.ask(CANDLES, candles.token, SHOP)).status_code == 200


async def test_a_storm_of_throttling_empties_the_bucket(enter: Enter, app: App) -> None:
    ask = await enter(CANDLES)
    app.shopify.control.add_fault(kind="throttled", on="graphql", times=3)
    for _ in range(3):
        answer = await app.ask(CANDLES, ask.token, SHOP)
        assert answer.status_code == 200
        assert "data" not in answer.json()
        assert answer.json()["errors"][0]["extensions"]["code"] == "THROTTLED"
        status = answer.json()["extensions"]["cost"]["throttleStatus"]
        assert status["currentlyAvailable"] == 0
        app.shopify.clock.move(s=1)
    assert (await ask(SHOP))["data"]["shop"]["name"] == "Corner Candles"


async def test_a_slow_answer_is_the_right_one(enter: Enter, app: App) -> None:
    ask = await enter(CANDLES)
    app.shopify.control.add_fault(kind="slow", on="graphql", seconds=0.3)
    began = time.monotonic()
    assert "data" in await ask(SHOP)
    assert time.monotonic() - began >= 0.3


async def test_no_answer_at_all_lasts_as_long_as_the_client(enter: Enter, app: App) -> None:
    ask = await enter(CANDLES)
    for on in ("graphql", "token"):
        app.shopify.control.add_fault(kind="hang", on=on)
    app.http.timeout = httpx.Timeout(0.3)
    with pytest.raises(httpx.ReadTimeout):
        await app.ask(CANDLES, ask.token, SHOP)
    with pytest.raises(httpx.ReadTimeout):
        await app.token(CANDLES)


async def test_an_answer_may_be_lost_on_the_way(enter: Enter, app: App) -> None:
    ask = await enter(CANDLES)
    app.shopify.control.add_fault(kind="dropped", on="graphql")
    with pytest.raises(httpx.RemoteProtocolError):
        await ask(SHOP)
    assert "data" in await ask(SHOP)


async def test_a_token_answer_may_be_huge_a_page_or_a_redirect(app: App) -> None:
    for kind in ("huge", "html", "redirect"):
        app.shopify.control.add_fault(kind=kind, on="token")
    huge, page, redirect = [await app.token(CANDLES) for _ in range(3)]
    assert len(huge.content) > 10 * 1024 * 1024
    assert page.headers["Content-Type"].startswith("text/html")
    assert (redirect.status_code, redirect.headers["Location"][:8]) == (302, "https://")


async def test_a_deprecation_may_be_announced(enter: Enter, app: App) -> None:
    ask = await enter(CANDLES)
    app.shopify.control.add_fault(kind="deprecated", on="graphql")
    answer = await app.ask(CANDLES, ask.token, SHOP)
    assert answer.status_code == 200
    assert answer.headers["X-Shopify-API-Deprecated-Reason"].startswith("https://shopify.dev/")


def test_every_fault_is_explained() -> None:
    assert all(places and what for places, what in KINDS.values())


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "earthquake", "on": "token"},
        {"kind": "huge", "on": "graphql"},
        {"kind": "slow", "on": "token", "seconds": 1e9},
        {"kind": "server_error", "on": "token", "status": 200},
        {"kind": "server_error", "on": "token", "times": 0},
        {"kind": "slow", "on": "token", "colour": "red"},
        {"kind": "slow"},
    ],
)
async def test_a_fault_that_cannot_be_is_refused(app: App, wrong: dict[str, object]) -> None:
    with pytest.raises(ControlRefused):
        app.shopify.control.do("add_fault", wrong)
    assert not app.shopify.world.faults.switched_on

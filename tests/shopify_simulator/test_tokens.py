"""The token endpoint: codes, expiring pairs, and what a refresh leaves of the old one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.shopify_simulator.application import CANDLES, COFFEE, SCOPES

if TYPE_CHECKING:
    from tests.shopify_simulator.application import App

SHOP = "{ shop { name } }"


async def works(app: App, token: str, shop: str = CANDLES) -> bool:
    return (await app.ask(shop, token, SHOP)).status_code == 200


@pytest.mark.parametrize("as_form", [True, False])
async def test_a_code_becomes_an_expiring_pair_with_shopify_s_fields(
    app: App, as_form: bool
) -> None:
    code = await app.code(CANDLES)
    answer = await app.token(CANDLES, code=code, expiring="1", as_form=as_form)
    told = answer.json()
    assert set(told) == {
        "access_token",
        "scope",
        "expires_in",
        "refresh_token",
        "refresh_token_expires_in",
    }
    assert (told["expires_in"], told["refresh_token_expires_in"]) == (3_600, 7_776_000)
    assert told["scope"] == SCOPES
    assert told["access_token"].startswith("shpat_")
    assert told["refresh_token"].startswith("shprt_")
    assert await works(app, told["access_token"])
    assert not await works(app, told["access_token"], COFFEE)


async def test_a_code_is_good_once(app: App) -> None:
    code = await app.code(CANDLES)
    await app.token(CANDLES, code=code, expiring="1")
    again = await app.token(CANDLES, code=code, expiring="1")
    assert again.status_code == 400
    assert again.json() == {
        "error": "invalid_request",
        "error_description": "The authorization code was not found or was already used",
    }


async def test_a_code_is_good_for_a_minute_and_for_its_own_shop(app: App) -> None:
    code = await app.code(CANDLES)
    assert (await app.token(COFFEE, code=code, expiring="1")).json()["error"] == "invalid_request"
    app.shopify.clock.move(s=59)
    assert (await app.token(CANDLES, code=code, expiring="1")).status_code == 200
    late = await app.code(CANDLES)
    app.shopify.clock.move(s=60)
    assert (await app.token(CANDLES, code=late, expiring="1")).status_code == 400


async def test_without_expiring_the_token_lasts_and_the_api_refuses_it(app: App) -> None:
    told = (await app.token(CANDLES, code=await app.code(CANDLES))).json()
    assert set(told) == {"access_token", "scope"}
    answer = await app.ask(CANDLES, told["access_token"], SHOP)
    assert answer.status_code == 403
    assert "Non-expiring" in answer.json()["errors"]


@pytest.mark.parametrize(
    ("wrong", "status", "error"),
    [
        ({"client_secret": "guessed"}, 401, "invalid_client"),
        ({"client_id": "another"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"code": "never-issued"}, 400, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "shprt_0"}, 400, "invalid_grant"),
    ],
)
async def test_what_is_not_right_is_named(
    app: App, wrong: dict[str, Any], status: int, error: str
) -> None:
    answer = await app.token(CANDLES, **wrong)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"a":'])
async def test_a_body_that_cannot_be_read_is_an_invalid_request(app: App, body: bytes) -> None:
    answer = await app.http.post(
        f"/{CANDLES}/admin/oauth/access_token",
        content=body,
        headers={"Content-Type": "application/json"},
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_access_ends_after_an_hour_and_a_refresh_gives_another_pair(app: App) -> None:
    first = await app.install(CANDLES)
    app.shopify.clock.move(s=3_599)
    assert await works(app, first["access_token"])
    app.shopify.clock.move(s=1)
    assert not await works(app, first["access_token"])
    second = (await app.refresh(CANDLES, first["refresh_token"])).json()
    assert set(second) == set(first)
    assert second["refresh_token"] != first["refresh_token"]
    assert await works(app, second["access_token"])


async def test_the_old_refresh_token_gives_the_same_pair_until_the_new_one_is_used(
    app: App,
) -> None:
    first = await app.install(CANDLES)
    second = (await app.refresh(CANDLES, first["refresh_token"])).json()
    assert (await app.refresh(CANDLES, first["refresh_token"])).json() == second
    app.shopify.clock.move(hours=2)
    recovered = (await app.refresh(CANDLES, first["refresh_token"])).json()
    assert await works(app, recovered["access_token"])
    third = (await app.refresh(CANDLES, recovered["refresh_token"])).json()
    assert await works(app, third["access_token"])
    refused = await app.refresh(CANDLES, first["refresh_token"])
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


async def test_a_used_refresh_token_recovers_for_thirty_days_at_most(app: App) -> None:
    first = await app.install(CANDLES)
    await app.refresh(CANDLES, first["refresh_token"])
    app.shopify.clock.move(days=30)
    assert (await app.refresh(CANDLES, first["refresh_token"])).status_code == 200
    app.shopify.clock.move(s=1)
    assert (await app.refresh(CANDLES, first["refresh_token"])).json()["error"] == "invalid_grant"


async def test_an_answer_that_was_lost_after_the_rotation_is_recovered(app: App) -> None:
    first = await app.install(CANDLES)
    app.shopify.control.add_fault(kind="dropped", on="token")
    with pytest.raises(httpx.RemoteProtocolError):
        await app.refresh(CANDLES, first["refresh_token"])
    pairs = [g.refresh_token for g in app.shopify.world.memory.grants]
    assert len(pairs) == 2  # it was rotated all the same
    recovered = (await app.refresh(CANDLES, first["refresh_token"])).json()
    assert recovered["refresh_token"] == pairs[1]


async def test_a_refresh_token_ends_after_ninety_days(app: App) -> None:
    first = await app.install(CANDLES)
    app.shopify.clock.move(days=90)
    assert (await app.refresh(CANDLES, first["refresh_token"])).json()["error"] == "invalid_grant"


async def test_a_refresh_token_is_good_for_its_own_shop(app: App) -> None:
    first = await app.install(CANDLES)
    await app.install(COFFEE)
    assert (await app.refresh(COFFEE, first["refresh_token"])).json()["error"] == "invalid_grant"


async def test_after_an_uninstall_nothing_works_any_more(app: App) -> None:
    first = await app.install(CANDLES)
    code = await app.code(CANDLES)
    app.shopify.control.uninstall(shop=CANDLES)
    assert not await works(app, first["access_token"])
    assert (await app.refresh(CANDLES, first["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await app.token(CANDLES, code=code)).json()["error"] == "invalid_request"


async def test_another_installation_ends_the_tokens_of_the_one_before(app: App) -> None:
    first = await app.install(CANDLES)
    second = await app.install(CANDLES)
    assert not await works(app, first["access_token"])
    assert await works(app, second["access_token"])


async def test_fewer_scopes_than_asked_may_be_granted(app: App) -> None:
    app.shopify.control.add_fault(kind="fewer_scopes", on="token")
    assert (await app.install(CANDLES))["scope"] == "read_customers,read_orders"

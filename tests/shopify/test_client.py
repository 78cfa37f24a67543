"""The GraphQL client: waits, tries again, keeps what it got in part, and lets nothing out."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from cj.shopify.access import ShopAccess
from cj.shopify.errors import (
    QueryRefused,
    QueryTooLarge,
    ReconnectNeeded,
    ScopeMissing,
    ShopifyError,
    ShopifyUnavailable,
    StoreClosed,
    Throttled,
)

from tests.shopify.asker import ASK, CANARY, DATA, SHOP, Asker, Plain, cost, errors, throttled
from tests.shopify.scripted import reply
from tests.shopify.side import SCOPES, VERSION

if TYPE_CHECKING:
    from tests.shopify.asker import Answer


async def test_a_question_is_asked_as_shopify_wants_it() -> None:
    asker = Asker(reply(DATA))
    assert await asker.ask() == DATA["data"]
    ((url, body, headers),) = asker.script.asked
    assert url == "https://a.myshopify.com/admin/api/2026-10/graphql.json"
    assert body == {"query": ASK.text, "variables": {}}
    assert headers["X-Shopify-Access-Token"] == CANARY
    assert headers["Content-Type"] == "application/json"


async def test_throttled_waits_as_long_as_the_bucket_takes() -> None:
    asker = Asker(throttled(250, 49), reply(DATA))
    assert await asker.ask() == DATA["data"]
    assert asker.waits == [3]  # 201 points at 100 a second


async def test_throttled_by_a_bucket_that_looks_full_waits_a_second() -> None:
    asker = Asker(throttled(250, 2_000), reply(DATA))
    await asker.ask()
    assert asker.waits == [1]


async def test_throttled_without_figures_waits_a_second() -> None:
    asker = Asker(reply(errors("THROTTLED")), reply(DATA))
    await asker.ask()
    assert asker.waits == [1]


async def test_a_wait_longer_than_there_is_time_is_told_instead() -> None:
    asker = Asker(throttled(950, 50))
    with pytest.raises(Throttled) as caught:
        await asker.ask(time_left_s=9)
    assert (caught.value.retry_ms, caught.value.code) == (9_000, "rate_limited")
    assert asker.waits == []
    with pytest.raises(Throttled):
        await asker.ask(time_left_s=5)
    assert len(asker.script.asked) == 1  # known beforehand: not even sent


async def test_what_is_known_of_the_bucket_is_waited_for_before_asking() -> None:
    asker = Asker(reply({**DATA, "extensions": cost(300, 100)}), reply(DATA))
    await asker.ask()
    await asker.ask()
    assert asker.waits == [2]
    assert len(asker.script.asked) == 2


async def test_one_store_does_not_wait_for_another() -> None:
    asker = Asker(reply({**DATA, "extensions": cost(300, 0)}), reply(DATA))
    await asker.ask()
    await asker.client.ask("b.myshopify.com", ASK, {}, 60)
    assert asker.waits == []


async def test_more_than_the_bucket_holds_is_never_waited_for() -> None:
    asker = Asker(throttled(950, 0, maximum=500))
    with pytest.raises(QueryTooLarge):
        await asker.ask()
    with pytest.raises(QueryTooLarge):
        await Asker(reply(errors("MAX_COST_EXCEEDED"))).ask()


@pytest.mark.parametrize(
    ("header", "wait_s"),
    [("2.0", 2), ("2", 2), ("0.5", 0.5), (None, 1), ("soon", 1), ("-1", 1), ("nan", 1)],
)
async def test_retry_after_is_seconds_however_it_is_written(
    header: str | None, wait_s: float
) -> None:
    asker = Asker(reply(None, 429, {"Retry-After": header} if header else {}), reply(DATA))
    await asker.ask()
    assert asker.waits == [wait_s]


async def test_a_retry_after_beyond_the_time_left_is_told_instead() -> None:
    asker = Asker(reply(None, 429, {"Retry-After": "60.0"}))
    with pytest.raises(Throttled) as caught:
        await asker.ask(time_left_s=10)
    assert caught.value.retry_ms == 60_000


@pytest.mark.parametrize(
    "trouble",
    [
        reply(None, 500),
        reply(None, 503),
        reply(content=b"<html>"),
        reply([]),
        reply({}),
        reply({"data": None}),
        reply(errors("INTERNAL_SERVER_ERROR")),
        reply(content=b"[" * 100_000),
    ],
)
async def test_passing_trouble_is_tried_again_after_growing_waits(trouble: Answer) -> None:
    asker = Asker(trouble, trouble, trouble, reply(DATA))
    assert await asker.ask() == DATA["data"]
    assert asker.waits == [1, 2, 4]


async def test_trouble_that_stays_is_told_after_three_more_tries() -> None:
    asker = Asker(reply(None, 502))
    with pytest.raises(ShopifyUnavailable):
        await asker.ask()
    assert asker.waits == [1, 2, 4]
    assert len(asker.script.asked) == 4


async def test_trouble_is_tried_again_only_while_there_is_time() -> None:
    asker = Asker(reply(None, 502))
    with pytest.raises(ShopifyUnavailable):
        await asker.ask(time_left_s=2.5)
    assert asker.waits == [1]


def refused_connection() -> httpx.Response:
    raise httpx.ConnectError("All connection attempts failed")


async def test_a_broken_way_to_shopify_is_tried_again() -> None:
    asker = Asker(refused_connection, reply(DATA))
    assert await asker.ask() == DATA["data"]
    assert asker.waits == [1]


@pytest.mark.parametrize("status", [402, 403, 404, 423])
async def test_a_closed_store_is_told_at_once(status: int) -> None:
    asker = Asker(reply({"errors": "Unavailable Shop"}, status))
    with pytest.raises(StoreClosed) as caught:
        await asker.ask()
    assert caught.value.message.endswith(".")
    assert len(asker.script.asked) == 1
    assert caught.value.message != ShopifyError.message


@pytest.mark.parametrize("status", [301, 302, 400, 406, 418])
async def test_any_other_status_is_an_error_of_ours(status: int) -> None:
    asker = Asker(reply(None, status, {"Location": "https://evil.com"}))
    with pytest.raises(QueryRefused):
        await asker.ask()
    assert len(asker.script.asked) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"errors": "Not valid"},
        {"errors": [1]},
        errors("undefinedField"),
        errors("x" * 100),
        {"errors": [{"extensions": None}]},
        {**errors("undefinedField"), "data": {"shop": None}},
    ],
)
async def test_errors_nobody_can_wait_away_are_told_at_once(body: dict[str, Any]) -> None:
    asker = Asker(reply(body))
    with pytest.raises(QueryRefused):
        await asker.ask()
    assert asker.waits == []


async def test_an_inactive_shop_is_closed() -> None:
    with pytest.raises(StoreClosed):
        await Asker(reply(errors("SHOP_INACTIVE"))).ask()


async def test_a_token_without_an_end_that_shopify_takes_no_longer_needs_the_merchant() -> None:
    told = {"errors": "[API] Non-expiring access tokens are no longer accepted for the Admin API."}
    for answer in (reply(told, 403), reply({"errors": "[API] Invalid API key"}, 401)):
        asker = Asker(answer)
        asker.client._access = GoneAccess()  # type: ignore[assignment]
        with pytest.raises(ReconnectNeeded):
            await asker.ask()


class GoneAccess:
    """Gives a token once, and cannot refresh it."""

    async def token(self, shop: str, time_left_s: float, refused: Any = None) -> Any:
        if refused is not None:
            raise ReconnectNeeded("no refresh token")
        return await ShopAccess(Plain(), Plain(), None).token(shop, 1)  # type: ignore[arg-type]


async def test_what_a_scope_forbids_is_named_and_the_rest_kept() -> None:
    denied = {
        "message": "Access denied for customersCount field.",
        "path": ["customersCount"],
        "extensions": {
            "code": "ACCESS_DENIED",
            "requiredAccess": "`read_customers` access scope.",
        },
    }
    data = {"shop": {"name": "A"}, "customersCount": None}
    asker = Asker(reply({"data": data, "errors": [denied, denied]}))
    answer = await asker.client.ask(SHOP, ASK, {}, 10)
    assert (answer.data, answer.missing_scopes) == (data, ("read_customers",))
    assert answer.scopes == SCOPES


async def test_a_denial_that_names_no_scope_names_the_field() -> None:
    body = errors("ACCESS_DENIED", path=["orders", "nodes", 0, "displayName"])
    answer = await Asker(reply({**body, **DATA})).client.ask(SHOP, ASK, {}, 10)
    assert answer.missing_scopes == ("displayName",)


async def test_nothing_left_without_the_scope_is_an_error_that_names_it() -> None:
    with pytest.raises(ScopeMissing, match="a permission") as caught:
        await Asker(reply({"data": None, **errors("ACCESS_DENIED")})).ask()
    assert "is not granted" in caught.value.message


async def test_another_version_than_asked_for_is_warned_of_once(
    caplog: pytest.LogCaptureFixture, caught_logs: None
) -> None:
    headers = {"X-Shopify-API-Version": "2027-01", "X-Shopify-API-Deprecated-Reason": "https://x"}
    asker = Asker(*(reply(DATA, headers=headers) for _ in range(3)))
    for _ in range(3):
        await asker.ask()
    assert [r.message for r in caplog.records if r.levelno == logging.WARNING] == [
        "Shopify answered with another API version",
        "this API version or a field of it is deprecated",
    ]


async def test_the_version_asked_for_is_not_worth_a_word(
    caplog: pytest.LogCaptureFixture, caught_logs: None
) -> None:
    await Asker(reply(DATA, headers={"X-Shopify-API-Version": VERSION})).ask()
    assert caplog.records == []


async def test_an_answer_that_never_ends_is_cut_off() -> None:
    asker = Asker(reply(content=b" " * (4 * 1024 * 1024 + 1)))
    with pytest.raises(ShopifyUnavailable, match="AnswerTooLarge"):
        await asker.ask(time_left_s=0.9)


async def test_no_error_holds_the_token() -> None:
    for answer in (refused_connection, reply(None, 401), reply(None, 500), reply(None, 403)):
        asker = Asker(answer)
        with pytest.raises(ShopifyError) as caught:
            await asker.ask(0.5)
        error: BaseException | None = caught.value
        while error is not None:
            assert CANARY not in f"{error}{error!r}{vars(error)}"
            error = error.__cause__ or error.__context__

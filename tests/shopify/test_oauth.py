"""The token endpoint: what it may answer, and where nothing may be sent at all."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from cj.errors import SettingsInvalid
from cj.shopify.client_secrets import ClientSecrets
from cj.shopify.errors import (
    CodeRefused,
    ExchangeFailed,
    RefreshRefused,
    ScopesMissing,
    ShopifyError,
    ShopInvalid,
)
from cj.shopify.http import Addresses, make_http
from cj.shopify.oauth import ANSWER_BYTES, OAuth

from local.shopify.tokens import Tokens
from tests.shopify.scripted import Script, reply
from tests.shopify.side import CANDLES, SCOPES, Side

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

GOOD: dict[str, Any] = {
    "access_token": "shpat_canary",
    "scope": "write_customers,read_orders,read_products",
    "expires_in": 3600,
    "refresh_token": "shprt_canary",
    "refresh_token_expires_in": 7_776_000,
}


def answering(answer: Callable[[], httpx.Response]) -> OAuth:
    """The app at a Shopify that answers like this."""
    return OAuth(Script(answer).http(), Addresses(), "id", ClientSecrets(("hush",)), SCOPES)


def saying(body: object, status: int = 200) -> OAuth:
    return answering(reply(body, status))


async def test_a_code_is_exchanged_for_an_expiring_pair(side: Side) -> None:
    code = Tokens(side.shopify.world).code(side.shopify.world.shop(CANDLES), SCOPES)
    grant = await side.oauth.exchange(CANDLES, code)
    assert (grant.expires_in_s, grant.refresh_expires_in_s) == (3600, 7_776_000)
    assert grant.scopes == SCOPES
    assert grant.access_token not in repr(grant)
    assert grant.refresh_token not in repr(grant)
    assert "shpss_" not in repr(side.oauth)


async def test_a_code_is_good_once(side: Side) -> None:
    code = Tokens(side.shopify.world).code(side.shopify.world.shop(CANDLES), SCOPES)
    await side.oauth.exchange(CANDLES, code)
    with pytest.raises(CodeRefused):
        await side.oauth.exchange(CANDLES, code)


async def test_what_is_sent_is_what_shopify_asks_for() -> None:
    script = Script(reply(GOOD))
    await OAuth(script.http(), Addresses(), "id", ClientSecrets(("hush",)), SCOPES).exchange(
        "a.myshopify.com", "c0de"
    )
    ((url, body, headers),) = script.asked
    assert url == "https://a.myshopify.com/admin/oauth/access_token"
    assert headers["Content-Type"] == headers["Accept"] == "application/json"
    assert body == {
        "client_id": "id",
        "client_secret": "hush",
        "code": "c0de",
        "expiring": "1",
    }


async def test_to_write_implies_to_read() -> None:
    assert (await saying(GOOD).exchange("a.myshopify.com", "c")).access_token == "shpat_canary"


async def test_fewer_permissions_than_asked_for_are_named(side: Side) -> None:
    code = Tokens(side.shopify.world).code(side.shopify.world.shop(CANDLES), SCOPES)
    side.shopify.control.add_fault(kind="fewer_scopes", on="token")
    with pytest.raises(ScopesMissing) as caught:
        await side.oauth.exchange(CANDLES, code)
    assert caught.value.missing == ("read_products",)
    assert "read_products" in caught.value.message


@pytest.mark.parametrize("kind", ["html", "huge", "redirect", "server_error", "dropped"])
async def test_any_other_answer_is_the_same_failure(side: Side, kind: str) -> None:
    code = Tokens(side.shopify.world).code(side.shopify.world.shop(CANDLES), SCOPES)
    side.shopify.control.add_fault(kind=kind, on="token")
    with pytest.raises(ExchangeFailed) as caught:
        await side.oauth.exchange(CANDLES, code)
    assert (caught.value.status, caught.value.code) == (502, "exchange_failed")
    assert len(side.wire.sent) == 1  # no redirect was followed, nothing sent twice


async def test_an_answer_that_never_comes_is_waited_for_no_longer_than_there_is_time(
    side: Side,
) -> None:
    side.shopify.control.add_fault(kind="hang", on="token")
    begun = time.monotonic()
    with pytest.raises(ExchangeFailed):
        await side.oauth.exchange(CANDLES, "code", time_left_s=0.2)
    assert time.monotonic() - begun < 5


async def test_an_answer_that_trickles_is_waited_for_no_longer_either() -> None:
    class Trickle(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                yield b" "
                await asyncio.sleep(0.01)

    oauth = answering(lambda: httpx.Response(200, stream=Trickle()))
    with pytest.raises(ExchangeFailed, match="TimeoutError"):
        await oauth.exchange("a.myshopify.com", "c", time_left_s=0.1)


async def test_no_more_is_read_than_a_token_takes() -> None:
    read = 0

    class Endless(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            nonlocal read
            while True:
                read += 1024
                yield b" " * 1024

    with pytest.raises(ExchangeFailed, match="AnswerTooLarge"):
        await answering(lambda: httpx.Response(200, stream=Endless())).exchange(
            "a.myshopify.com", "c"
        )
    assert read == ANSWER_BYTES + 1024


@pytest.mark.parametrize(
    "wrong",
    [
        {"access_token": ""},
        {"access_token": None},
        {"access_token": "a\r\nX-Evil: 1"},
        {"access_token": "é"},
        {"access_token": ["a"]},
        {"refresh_token": None},
        {"refresh_token": "a b"},
        {"expires_in": None},
        {"expires_in": 0},
        {"expires_in": -1},
        {"expires_in": True},
        {"expires_in": "3600"},
        {"expires_in": 10**30},
        {"refresh_token_expires_in": None},
    ],
)
async def test_an_answer_that_is_no_whole_expiring_pair_is_a_failure(
    wrong: dict[str, object],
) -> None:
    with pytest.raises(ExchangeFailed) as caught:
        await saying({**GOOD, **wrong}).exchange("a.myshopify.com", "c")
    assert "canary" not in f"{caught.value}{caught.value.__context__}{caught.value.__cause__}"


@pytest.mark.parametrize("body", [None, [], 1, "token", {}])
async def test_json_that_is_no_answer_is_a_failure(body: object) -> None:
    with pytest.raises(ExchangeFailed):
        await saying(body).exchange("a.myshopify.com", "c")


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"[" * 60_000, b'{"expires_in": ' + b"9" * 9_000]
)
async def test_what_is_not_json_is_a_failure(content: bytes) -> None:
    with pytest.raises(ExchangeFailed):
        await answering(reply(content=content)).exchange("a.myshopify.com", "c")


async def test_a_missing_scope_field_grants_nothing() -> None:
    with pytest.raises(ScopesMissing):
        await saying({**GOOD, "scope": None}).exchange("a.myshopify.com", "c")


async def test_only_invalid_grant_ends_a_connection() -> None:
    with pytest.raises(RefreshRefused):
        await saying({"error": "invalid_grant"}, 400).refresh("a.myshopify.com", "r", 5)
    for status, body in (
        (400, {"error": "invalid_client"}),
        (400, {"error": "invalid_request"}),
        (500, {"error": "invalid_grant"}),
    ):
        with pytest.raises(ExchangeFailed):
            await saying(body, status).refresh("a.myshopify.com", "r", 5)


@pytest.mark.parametrize("body", [{}, {"error": "invalid_request"}])
async def test_a_refresh_token_past_its_end_that_is_refused_ends_a_connection_too(
    body: dict[str, str],
) -> None:
    with pytest.raises(RefreshRefused):
        await saying(body, 400).refresh("a.myshopify.com", "r", 5, past_its_end=True)
    for status, other in ((400, {"error": "invalid_client"}), (500, body), (429, body)):
        with pytest.raises(ExchangeFailed):
            await saying(other, status).refresh("a.myshopify.com", "r", 5, past_its_end=True)


@pytest.mark.parametrize("word", ["invalid_request", "invalid_grant"])
async def test_a_code_is_refused_in_so_many_words(word: str) -> None:
    with pytest.raises(CodeRefused):
        await saying({"error": word}, 400).exchange("a.myshopify.com", "c")


@pytest.mark.parametrize("status", [400, 401])
async def test_an_app_that_shopify_does_not_know_is_for_the_operator(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ExchangeFailed) as caught:
        await saying({"error": "invalid_client"}, status).exchange("a.myshopify.com", "c")
    assert caught.value.status == 502
    assert [r.levelname for r in caplog.records if r.name.startswith("cj")] == ["CRITICAL"]


async def test_any_other_400_is_not_the_code_s_fault() -> None:
    with pytest.raises(ExchangeFailed):
        await saying({"error": "something_new"}, 400).exchange("a.myshopify.com", "c")


SOMEWHERE_ELSE = [
    "evil.com",
    "a.myshopify.com.evil.com",
    "a.myshopify.com@evil.com",
    "a.myshopify.com/../",
    "a.myshopify.com%00",
    "a.myshopify.com\n",
    "A.myshopify.com",
    "ａ.myshopify.com",
    "169.254.169.254",
    "",
]


@pytest.mark.parametrize("base", [None, "http://127.0.0.1:1"])
@pytest.mark.parametrize("shop", SOMEWHERE_ELSE)
async def test_for_any_other_shop_nothing_leaves(shop: str, base: str | None) -> None:
    script = Script(reply(GOOD))
    oauth = OAuth(script.http(), Addresses(base), "id", ClientSecrets(("hush",)), SCOPES)
    asked: list[Awaitable[object]] = [oauth.exchange(shop, "c"), oauth.refresh(shop, "r", 5)]
    for one in asked:
        with pytest.raises(ShopInvalid):
            await one
    with pytest.raises(ShopInvalid):
        oauth.authorize_url(shop, "state", "https://cj.example/callback")
    assert script.asked == []


@pytest.mark.parametrize(
    "base", ["https://evil.com", "http://127.0.0.1@evil.com", "http://127.0.0.1.evil.com", "x"]
)
def test_only_this_machine_stands_in_for_shopify(base: str) -> None:
    with pytest.raises(SettingsInvalid, match="SHOPIFY_BASE_URL"):
        Addresses(base)


def test_the_merchant_is_sent_to_their_own_shop() -> None:
    oauth = OAuth(make_http(), Addresses(), "id", ClientSecrets(("hush",)), SCOPES)
    url = httpx.URL(oauth.authorize_url("a.myshopify.com", "57a7e", "https://cj.example/callback"))
    assert (url.scheme, url.host, url.path) == (
        "https",
        "a.myshopify.com",
        "/admin/oauth/authorize",
    )
    assert dict(url.params) == {
        "client_id": "id",
        "scope": "read_customers,read_orders,read_products",
        "redirect_uri": "https://cj.example/callback",
        "state": "57a7e",
    }


def test_every_error_has_a_text_for_people_that_holds_nothing_of_the_inside() -> None:
    kinds: list[type[ShopifyError]] = [ShopifyError, *ShopifyError.__subclasses__()]
    assert len(kinds) > 10
    assert not [k for k in kinds if not k.message.endswith(".") or "token" in k.message.split()]

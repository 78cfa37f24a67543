"""The client secret is replaced while processes live: what they meet makes them look again."""

from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
import pytest
from cj.domain.signatures import SignatureWrong
from cj.errors import SettingsInvalid
from cj.shopify.client_secrets import LOOK_AGAIN_S, ClientSecrets
from cj.shopify.errors import ExchangeFailed
from cj.shopify.http import Addresses, make_http
from cj.shopify.oauth import OAuth

from tests.shopify.scripted import reply
from tests.shopify.test_oauth import GOOD

if TYPE_CHECKING:
    from collections.abc import Callable

SHOP = "a.myshopify.com"
OLD, BOTH = ("old",), ("new", "old")


@dataclass
class Safe:
    """Where the operator puts secrets; counts who looks."""

    holds: tuple[str, ...] = OLD
    broken: bool = False
    now: float = 1_000_000.0
    looks: int = 0
    threads: set[int] = field(default_factory=set)

    def look(self) -> tuple[str, ...]:
        self.looks += 1
        self.threads.add(threading.get_ident())
        if self.broken:
            raise SettingsInvalid("the secret is not there, or this role may not read it")
        return self.holds

    def secrets(self) -> ClientSecrets:
        return ClientSecrets(OLD, self.look, lambda: self.now)


def signed_with(secret: str) -> Callable[[tuple[str, ...]], str]:
    """Reads a request that was signed with this secret."""

    def read(known: tuple[str, ...]) -> str:
        if secret not in known:
            raise SignatureWrong
        return secret

    return read


async def refused(secrets: ClientSecrets, secret: str) -> bool:
    try:
        await secrets.verified(signed_with(secret))
    except SignatureWrong:
        return True
    return False


async def test_a_good_signature_looks_nowhere() -> None:
    safe = Safe(BOTH)
    assert not await refused(safe.secrets(), "old")
    assert safe.looks == 0


async def test_the_first_request_with_the_new_secret_goes_through() -> None:
    safe = Safe(BOTH)
    secrets = safe.secrets()
    assert not await refused(secrets, "new")
    assert (secrets.known, secrets.newest) == (BOTH, "new")
    assert not await refused(secrets, "old")
    assert safe.looks == 1


async def test_what_the_old_secret_signed_costs_one_look_a_minute() -> None:
    safe = Safe(BOTH)
    secrets = ClientSecrets(BOTH, safe.look, lambda: safe.now)
    for _ in range(100):
        assert not await refused(secrets, "old")
    assert safe.looks == 1


async def test_a_secret_that_was_revoked_is_refused_within_a_minute() -> None:
    safe = Safe(BOTH)
    secrets = ClientSecrets(BOTH, safe.look, lambda: safe.now)
    assert not await refused(secrets, "old")
    safe.holds = ("new",)
    safe.now += LOOK_AGAIN_S
    assert await refused(secrets, "old")
    assert not await refused(secrets, "new")


async def test_wrong_signatures_cost_one_look_a_minute() -> None:
    safe = Safe()
    secrets = safe.secrets()
    for _ in range(100):
        assert await refused(secrets, "guessed")
    assert safe.looks == 1
    safe.holds = BOTH
    safe.now += LOOK_AGAIN_S - 1
    assert await refused(secrets, "new")
    assert safe.looks == 1
    safe.now += 1
    assert not await refused(secrets, "new")
    assert safe.looks == 2


async def test_a_clock_that_is_set_back_does_not_keep_anybody_from_looking() -> None:
    safe = Safe()
    secrets = safe.secrets()
    assert await refused(secrets, "new")
    safe.holds, safe.now = BOTH, safe.now - 3600
    assert not await refused(secrets, "new")


async def test_of_many_at_once_one_looks_and_all_go_through() -> None:
    safe = Safe(BOTH)
    secrets = safe.secrets()
    assert await asyncio.gather(*(refused(secrets, "new") for _ in range(20))) == [False] * 20
    assert safe.looks == 1


async def test_nobody_else_waits_for_the_look() -> None:
    safe = Safe(BOTH)
    await refused(safe.secrets(), "new")
    assert threading.get_ident() not in safe.threads


async def test_a_look_that_fails_changes_nothing_and_counts() -> None:
    safe = Safe(broken=True)
    secrets = safe.secrets()
    assert await refused(secrets, "new")
    assert await refused(secrets, "new")
    assert not await refused(secrets, "old")
    assert safe.looks == 1
    safe.holds, safe.broken = BOTH, False
    safe.now += LOOK_AGAIN_S
    assert not await refused(secrets, "new")


async def test_a_look_that_hangs_is_not_waited_for() -> None:
    answers = threading.Event()

    def hangs() -> tuple[str, ...]:
        answers.wait(20)
        return BOTH

    secrets = ClientSecrets(OLD, hangs, patience_s=0.01)
    assert await refused(secrets, "new")
    answers.set()
    assert secrets.known == OLD


async def test_a_secret_that_was_set_itself_is_what_it_is() -> None:
    assert await refused(ClientSecrets(OLD), "new")


def test_nobody_reads_the_secrets_in_a_log() -> None:
    assert "old" not in repr(ClientSecrets(OLD))


@dataclass
class TokenEndpoint(httpx.AsyncBaseTransport):
    """Knows the app by these secrets; remembers which it was shown."""

    good: tuple[str, ...]
    shown: list[str] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.shown.append(json.loads(await request.aread())["client_secret"])
        known = self.shown[-1] in self.good
        return reply(GOOD)() if known else reply({"error": "invalid_client"}, 401)()

    def oauth(self, secrets: ClientSecrets) -> OAuth:
        scopes = ("read_customers", "read_orders", "read_products")
        return OAuth(make_http(self), Addresses(), "id", secrets, scopes)


async def test_tokens_are_asked_for_with_the_newest_secret_there_is_now() -> None:
    safe, shopify = Safe(BOTH), TokenEndpoint(BOTH)
    secrets = safe.secrets()
    oauth = shopify.oauth(secrets)
    await oauth.exchange(SHOP, "c0de")
    assert not await refused(secrets, "new")
    await oauth.exchange(SHOP, "c0de")
    await oauth.refresh(SHOP, "shprt_1", 5)
    assert shopify.shown == ["old", "new", "new"]


async def test_an_app_that_shopify_no_longer_knows_looks_and_asks_again() -> None:
    """A worker gets no signatures that could tell it."""
    safe, shopify = Safe(("new",)), TokenEndpoint(("new",))
    grant = await shopify.oauth(safe.secrets()).refresh(SHOP, "shprt_1", 5)
    assert grant.access_token == GOOD["access_token"]
    assert shopify.shown == ["old", "new"]


async def test_an_app_that_shopify_never_knew_asks_once_and_looks_once() -> None:
    safe, shopify = Safe(), TokenEndpoint(("another",))
    oauth = shopify.oauth(safe.secrets())
    for _ in range(2):
        with pytest.raises(ExchangeFailed, match="invalid_client"):
            await oauth.refresh(SHOP, "shprt_1", 5)
    assert shopify.shown == ["old", "old"]
    assert safe.looks == 1

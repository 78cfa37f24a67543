"""Who is let in while PostgreSQL or Redis is away, and what becomes of them when it is back."""

from __future__ import annotations

import asyncio
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import redis

from tests.integration.listening_aws import COOKIE, ORIGIN, Functions
from tests.integration.statements import sql, until
from tests.integration.test_handlers_door import codes, grow_old, hash_of
from tests.proxy import Proxy, through

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from typing import Any

    from cj.store import Database

    from tests.integration.listening_aws import Aws

STALE_S = 15 * 60


@pytest.fixture
def look(redis_url: str) -> Iterator[redis.Redis]:
    with closing(redis.Redis.from_url(redis_url, decode_responses=True)) as client:
        yield client


@pytest.fixture
async def way(environ: dict[str, str]) -> AsyncIterator[Proxy]:
    """The functions' way to PostgreSQL."""
    url = environ["DATABASE_URL"]
    async with Proxy(urlsplit(url).port or 0) as proxy:
        environ["DATABASE_URL"] = through(url, proxy)
        yield proxy


class Visitor:
    """Functions in a thread of their own, so that the proxy runs on meanwhile."""

    def __init__(self, functions: Functions, aws: Aws) -> None:
        self.functions, self.aws = functions, aws

    async def connect(self, *args: str, **headers: str) -> int:
        return await asyncio.to_thread(self.functions.connect, *args, **headers)

    async def say(self, kind: str, *args: str, **members: Any) -> list[dict[str, Any]]:
        """Gives what it was told."""
        self.aws.frames.clear()
        await asyncio.to_thread(self.functions.say, kind, *args, **members)
        return list(self.aws.frames)

    async def hears(self, kind: str, *args: str, **members: Any) -> list[str]:
        await self.say(kind, *args, **members)
        return codes(self.aws)

    async def get(self, path: str) -> tuple[int, dict[str, Any]]:
        return await asyncio.to_thread(self.functions.get, path)

    async def leave(self) -> int:
        reply = await asyncio.to_thread(
            lambda: self.functions.http("DELETE", "/api/v1/session", origin=ORIGIN)
        )
        status: int = reply["statusCode"]
        return status


@pytest.fixture
async def visitor(way: Proxy, environ: dict[str, str], aws: Aws) -> AsyncIterator[Visitor]:
    functions = Functions(environ)
    made = Visitor(functions, aws)
    await made.get("/api/v1/session")
    assert await made.connect() == 200
    yield made
    await asyncio.to_thread(functions.close)


async def test_a_session_of_a_quarter_of_an_hour_ago_is_good_while_postgresql_is_away(
    visitor: Visitor, way: Proxy, look: redis.Redis
) -> None:
    await way.refuse()
    grow_old(look, visitor.functions, STALE_S - 60)
    assert await visitor.hears("ping") == ["pong"]
    grow_old(look, visitor.functions, 120)
    (error,) = await visitor.say("ping")
    assert (error["code"], error["retryable"], error["retry_ms"]) == ("unavailable", True, 3000)


async def test_a_known_outage_costs_no_second_look_at_postgresql(
    visitor: Visitor, way: Proxy, look: redis.Redis
) -> None:
    grow_old(look, visitor.functions, 60)
    await way.refuse()
    assert await visitor.hears("ping") == ["pong"]
    async with Proxy(way.target, way.port) as listening:  # there again, and nobody knows
        assert await visitor.hears("ping") == ["pong"]
        assert listening.accepted == 0
        await until(lambda: _tried(visitor, listening), "one process to try")


async def _tried(visitor: Visitor, listening: Proxy) -> bool:
    return await visitor.hears("ping") == ["pong"] and listening.accepted > 0


async def test_a_page_that_comes_back_in_an_outage_is_let_in_and_kept_afterwards(
    visitor: Visitor, way: Proxy, own_db: Database
) -> None:
    (ready,) = await visitor.say("start")
    await way.refuse()
    assert await visitor.get("/api/v1/session") == (200, {"user": None, "shop": None})
    assert await visitor.connect("c2=") == 200
    (shown,) = await visitor.say("start", "c2=", cid=ready["cid"])
    assert (shown["type"], shown["degraded"]) == ("ready", ["postgres"])
    await way.normal()
    watching = sql("SELECT conversation_id FROM ws_connections WHERE connection_id = 'c2='")

    async def kept() -> bool:
        assert await visitor.hears("ping", "c2=") == ["pong"]
        row = await own_db.row(watching)
        return row is not None and str(row[0]) == ready["cid"]

    await until(kept, "the connection to be remembered")


async def test_nobody_unknown_is_let_in_during_an_outage(visitor: Visitor, way: Proxy) -> None:
    await way.refuse()
    assert await visitor.connect("c2=", Cookie=f"{COOKIE}=unknown") == 503
    assert await visitor.connect("c2=", Cookie="") == 401
    assert await visitor.connect("c2=", Origin="null") == 403


async def test_who_left_stays_out_during_an_outage(visitor: Visitor, way: Proxy) -> None:
    kept = visitor.functions.cookie
    assert await visitor.leave() == 204
    visitor.functions.cookie = kept
    await way.refuse()
    assert await visitor.connect("c2=") == 401
    (error,) = await visitor.say("ping")
    assert error["code"] == "unauthenticated"
    assert (await visitor.get("/api/v1/conversations"))[0] == 401


async def test_leaving_is_not_promised_while_nobody_can_write_it_down(
    visitor: Visitor, way: Proxy
) -> None:
    await way.refuse()
    assert await visitor.leave() == 503
    assert await visitor.hears("ping") == ["pong"]


async def test_with_both_stores_away_the_door_is_shut(
    visitor: Visitor, way: Proxy, environ: dict[str, str], aws: Aws
) -> None:
    await way.refuse()
    alone = Functions({**environ, "REDIS_URL": "redis://127.0.0.1:9"})
    alone.cookie = visitor.functions.cookie
    other = Visitor(alone, aws)
    assert await other.connect("c2=") == 503
    assert await other.hears("ping") == ["unavailable"]
    assert (await other.get("/api/v1/conversations"))[0] == 503
    await asyncio.to_thread(alone.close)


async def test_redis_that_loses_everything_costs_nobody_a_login(
    visitor: Visitor, look: redis.Redis
) -> None:
    look.flushall()
    assert await visitor.hears("ping") == ["pong"]
    assert look.hget(f"sess:{hash_of(visitor.functions)}", "at")

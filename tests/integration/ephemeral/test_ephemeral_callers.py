"""Who speaks, as Redis remembers it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from cj.domain.turns import Caller
from cj.ephemeral import FRESH_S, STALE_S, Callers, Ephemeral, KnownSession, Live

from tests.integration.ephemeral.away import Clock
from tests.integration.ephemeral.said import keys_of

if TYPE_CHECKING:
    from redis.asyncio import Redis, RedisCluster

CALLER = Caller("conn=", "anon_1", None, "hash")
SIGNED_IN = Caller("conn=", "usr_1", "usr_1", "other hash")
CID = UUID("01a1fc9f-f513-7b10-bcdd-7a9af10e1106")


@pytest.fixture
def clock() -> Clock:
    clock = Clock()
    clock.now = 1_000
    return clock


@pytest.fixture
def callers(ephemeral: Ephemeral, clock: Clock) -> Callers:
    return Callers(ephemeral, clock)


@pytest.mark.parametrize("caller", [CALLER, SIGNED_IN], ids=["anonymous", "signed in"])
async def test_a_caller_is_known_with_the_age_of_what_postgresql_said(
    callers: Callers, clock: Clock, caller: Caller
) -> None:
    assert await callers.find("conn=") is None
    await callers.remember(caller)
    clock.now += FRESH_S
    known = await callers.find("conn=")
    assert known is not None
    assert known.caller == caller
    assert (known.age_s, known.revoked, known.confirmed) == (FRESH_S, False, True)
    assert (known.bad_frames, known.watching) == (0, None)
    assert await callers.session(caller.token_hash) == KnownSession(
        caller.owner_id, caller.user_id, FRESH_S, revoked=False
    )


async def test_an_old_session_is_younger_when_postgresql_said_it_again(
    callers: Callers, clock: Clock
) -> None:
    await callers.remember(CALLER)
    clock.now += STALE_S + 1
    old = await callers.session("hash")
    assert old is not None
    assert old.age_s == STALE_S + 1
    await callers.remember(CALLER)
    young = await callers.session("hash")
    assert young is not None
    assert young.age_s == 0


async def test_a_clock_that_runs_behind_makes_nothing_younger_than_now(
    callers: Callers, clock: Clock
) -> None:
    await callers.remember(CALLER)
    clock.now -= 5
    known = await callers.find("conn=")
    assert known is not None
    assert known.age_s == 0


async def test_a_connection_postgresql_does_not_know_leaves_the_session_as_old_as_it_was(
    callers: Callers, clock: Clock
) -> None:
    await callers.remember(CALLER)
    clock.now += 100
    later = Caller("later=", "anon_1", None, "hash")
    await callers.remember(later, confirmed=False)
    known = await callers.find("later=")
    assert known is not None
    assert (known.confirmed, known.age_s) == (False, 100)


async def test_a_session_that_is_unknown_is_infinitely_old(
    callers: Callers, client: Redis | RedisCluster
) -> None:
    assert await callers.session("hash") is None
    await callers.remember(CALLER)
    await client.delete("sess:hash")
    known = await callers.find("conn=")
    assert known is not None
    assert (known.age_s, known.revoked) == (float("inf"), False)


async def test_a_revoked_session_stays_so_whatever_is_remembered_later(
    callers: Callers, client: Redis | RedisCluster
) -> None:
    await callers.remember(CALLER)
    await callers.revoke("hash")
    await callers.remember(CALLER)
    known = await callers.find("conn=")
    assert known is not None
    assert known.revoked
    assert 7_000 < await client.ttl("sess:hash") <= 7_200


async def test_a_session_is_revoked_before_anybody_remembered_it(callers: Callers) -> None:
    await callers.revoke("hash")
    assert await callers.session("hash") == KnownSession("", None, float("inf"), revoked=True)


async def test_bad_frames_are_counted_in_a_row(callers: Callers) -> None:
    await callers.remember(CALLER)
    assert [await callers.bad_frame("conn=") for _ in range(3)] == [1, 2, 3]
    await callers.remember(CALLER)
    known = await callers.find("conn=")
    assert known is not None
    assert known.bad_frames == 3
    await callers.good_frame("conn=")
    assert await callers.bad_frame("conn=") == 1


async def test_bad_frames_of_nobody_make_no_caller(
    callers: Callers, client: Redis | RedisCluster
) -> None:
    assert await callers.bad_frame("conn=") == 1
    assert await callers.find("conn=") is None
    assert await client.ttl("conn:conn=") > 0
    await callers.good_frame("conn=")
    await callers.good_frame("other=")
    assert await keys_of(client) == ["conn:conn="]


async def test_what_a_connection_watches_is_known_with_it(callers: Callers, live: Live) -> None:
    await callers.remember(CALLER)
    await live.watch(CID, "conn=")
    known = await callers.find("conn=")
    assert known is not None
    assert known.watching == known.caller.conversation_id == CID


async def test_a_forgotten_connection_is_nobody_s(callers: Callers) -> None:
    await callers.remember(CALLER)
    await callers.forget("conn=")
    assert await callers.find("conn=") is None
    assert await callers.session("hash") is not None


async def test_everything_about_callers_vanishes_by_itself(
    callers: Callers, client: Redis | RedisCluster
) -> None:
    await callers.remember(CALLER)
    await callers.bad_frame("conn=")
    await callers.revoke("gone")
    assert [0 < await client.ttl(key) <= 7_200 for key in await keys_of(client)] == [True] * 3

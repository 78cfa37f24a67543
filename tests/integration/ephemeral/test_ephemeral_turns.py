"""Turns PostgreSQL knows nothing of: one at a time, whoever speaks, and never left alone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from cj.ephemeral import Buffer, Finished, Held, Recent

from tests.integration.ephemeral.said import OWNER, WORKFLOW, answer, keys_of, row, said

if TYPE_CHECKING:
    from redis.asyncio import Redis, RedisCluster

CID = uuid4()
WAITING = 5
LEASE_S = 20
ROWS = [row(1), row(2)]


@pytest.fixture(autouse=True)
async def opened(recent: Recent) -> None:
    """The conversation was open lately."""
    await recent.keep(CID, OWNER, WORKFLOW, ROWS)


@pytest.fixture
def turn() -> UUID:
    return uuid4()


async def let_the_lease_run_out(client: Redis | RedisCluster) -> None:
    await client.delete(f"{{{CID}}}:lease")


async def test_a_turn_gets_what_is_cached_and_what_is_not_saved(buffer: Buffer, turn: UUID) -> None:
    entry = said()
    await buffer.say(CID, OWNER, entry, None, WAITING)
    work = await buffer.take(CID, str(turn), LEASE_S)
    assert work is not None
    assert (work.owner_id, work.workflow) == (OWNER, WORKFLOW)
    assert (work.messages, work.entries, work.attempts) == (ROWS, [entry], 1)


async def test_of_two_that_take_a_turn_at_once_one_gets_it(buffer: Buffer) -> None:
    for _ in range(20):
        turns = [str(uuid4()) for _ in range(4)]
        taken = await asyncio.gather(*(buffer.take(CID, turn, LEASE_S) for turn in turns))
        assert len([work for work in taken if work is not None]) == 1
        for token in turns:
            await buffer.release(CID, token)


async def test_there_is_no_turn_in_a_conversation_nobody_knows(
    buffer: Buffer, turn: UUID, recent: Recent
) -> None:
    await recent.forget(CID)
    assert await buffer.take(CID, str(turn), LEASE_S) is None
    assert await buffer.holder(CID) is None


async def test_while_somebody_speaks_nobody_else_is_woken(buffer: Buffer, turn: UUID) -> None:
    assert (await buffer.say(CID, OWNER, said(), None, WAITING)).wake
    await buffer.take(CID, str(turn), LEASE_S)
    entry = said()
    assert not (await buffer.say(CID, OWNER, entry, None, WAITING)).wake
    assert not (await buffer.say(CID, OWNER, entry, None, WAITING)).wake


async def test_a_message_offered_again_wakes_somebody_when_the_worker_died(
    buffer: Buffer, turn: UUID, client: Redis | RedisCluster
) -> None:
    entry = said()
    await buffer.say(CID, OWNER, entry, None, WAITING)
    await buffer.take(CID, str(turn), LEASE_S)
    await let_the_lease_run_out(client)
    again = await buffer.say(CID, OWNER, said(entry.text, entry.client_id), None, WAITING)
    assert (again.outcome, again.wake) == ("dup", True)


async def test_the_answer_is_kept_behind_what_it_answers(buffer: Buffer, turn: UUID) -> None:
    first, second, late = said("1"), said("2"), said("3")
    for entry in (first, second):
        await buffer.say(CID, OWNER, entry, None, WAITING)
    await buffer.take(CID, str(turn), LEASE_S)
    await buffer.say(CID, OWNER, late, None, WAITING)
    reply = answer(turn, first.client_id, second.client_id)
    assert await buffer.finish(CID, str(turn), reply) == Finished(stored=True, more=True)
    assert await buffer.unsaved(CID) == [first, second, late, reply]
    assert await buffer.holder(CID) is None
    assert await buffer.take(CID, str(uuid4()), LEASE_S) is not None


async def test_an_answer_whose_end_is_told_again_is_kept_once(buffer: Buffer, turn: UUID) -> None:
    entry = said()
    await buffer.say(CID, OWNER, entry, None, WAITING)
    await buffer.take(CID, str(turn), LEASE_S)
    reply = answer(turn, entry.client_id)
    for _ in range(2):
        assert await buffer.finish(CID, str(turn), reply) == Finished(stored=True, more=False)
    other = uuid4()
    await buffer.take(CID, str(other), LEASE_S)
    assert await buffer.finish(CID, str(turn), reply) == Finished(stored=True, more=False)
    assert await buffer.holder(CID) == Held(other, 1)
    assert await buffer.unsaved(CID) == [entry, reply]


async def test_an_answered_message_stays_known_by_its_id(buffer: Buffer, turn: UUID) -> None:
    entry = said()
    await buffer.say(CID, OWNER, entry, None, WAITING)
    await buffer.take(CID, str(turn), LEASE_S)
    await buffer.finish(CID, str(turn), answer(turn, entry.client_id))
    again = await buffer.say(CID, OWNER, said(entry.text, entry.client_id), None, WAITING)
    assert (again.outcome, again.message_id, again.wake) == ("dup", entry.id, False)


@pytest.mark.parametrize("answered", [1, 3])
async def test_what_is_being_answered_does_not_wait(
    buffer: Buffer, turn: UUID, answered: int
) -> None:
    entries = [said(str(n)) for n in range(answered)]
    for entry in entries:
        await buffer.say(CID, OWNER, entry, None, WAITING)
    await buffer.take(CID, str(turn), LEASE_S)
    outcomes = [
        (await buffer.say(CID, OWNER, said(), None, WAITING)).outcome for _ in range(WAITING + 2)
    ]
    assert outcomes == ["new"] * WAITING + ["overloaded"] * 2
    reply = answer(turn, *(entry.client_id for entry in entries))
    assert await buffer.finish(CID, str(turn), reply) == Finished(stored=True, more=True)
    again = [(await buffer.say(CID, OWNER, said(), None, WAITING)).outcome for _ in range(2)]
    assert again == ["new", "overloaded"]  # one of those that waited is answered next


async def test_what_a_dead_worker_was_to_answer_does_not_wait(
    buffer: Buffer, turn: UUID, client: Redis | RedisCluster
) -> None:
    for _ in range(3):
        await buffer.say(CID, OWNER, said(), None, WAITING)
    await buffer.take(CID, str(turn), LEASE_S)
    await let_the_lease_run_out(client)
    outcomes = [
        (await buffer.say(CID, OWNER, said(), None, WAITING)).outcome for _ in range(WAITING + 1)
    ]
    assert outcomes == ["new"] * WAITING + ["overloaded"]


async def test_while_a_turn_of_postgresql_s_is_on_everything_here_waits(
    buffer: Buffer, turn: UUID
) -> None:
    await buffer.claim(CID, f"{turn}:7", LEASE_S)
    outcomes = [
        (await buffer.say(CID, OWNER, said(), None, WAITING)).outcome for _ in range(WAITING + 1)
    ]
    assert outcomes == ["new"] * WAITING + ["overloaded"]


async def test_a_turn_given_back_unanswered_leaves_its_messages_waiting(
    buffer: Buffer, turn: UUID
) -> None:
    for _ in range(3):
        await buffer.say(CID, OWNER, said(), None, WAITING)
    await buffer.take(CID, str(turn), LEASE_S)
    assert await buffer.release(CID, str(turn))
    outcomes = [(await buffer.say(CID, OWNER, said(), None, WAITING)).outcome for _ in range(4)]
    assert outcomes == ["new"] * 3 + ["overloaded"]


async def test_a_turn_with_nothing_to_answer_leaves_nothing_behind(
    buffer: Buffer, turn: UUID, client: Redis | RedisCluster
) -> None:
    before = await keys_of(client)
    await buffer.take(CID, str(turn), LEASE_S)
    await buffer.release(CID, str(turn), idle=True)
    assert await keys_of(client) == before


async def test_answered_messages_make_room_for_others(buffer: Buffer, turn: UUID) -> None:
    first = said()
    assert (await buffer.say(CID, OWNER, first, None, 0)).outcome == "new"
    assert (await buffer.say(CID, OWNER, said(), None, 0)).outcome == "overloaded"
    await buffer.take(CID, str(turn), LEASE_S)
    await buffer.finish(CID, str(turn), answer(turn, first.client_id))
    assert (await buffer.say(CID, OWNER, said(), None, 0)).outcome == "new"


async def test_a_worker_whose_lease_went_to_another_stores_nothing(
    buffer: Buffer, turn: UUID, client: Redis | RedisCluster
) -> None:
    entry, other = said(), uuid4()
    await buffer.say(CID, OWNER, entry, None, WAITING)
    await buffer.take(CID, str(turn), LEASE_S)
    await let_the_lease_run_out(client)
    await buffer.take(CID, str(other), LEASE_S)
    late = await buffer.finish(CID, str(turn), answer(turn, entry.client_id))
    assert late == Finished(stored=False, more=False)
    assert await buffer.holder(CID) == Held(other, 1)
    assert await buffer.unsaved(CID) == [entry]


async def test_a_worker_that_slept_while_another_answered_stores_nothing(
    buffer: Buffer, turn: UUID, client: Redis | RedisCluster
) -> None:
    entry, other, late = said(), uuid4(), said()
    await buffer.say(CID, OWNER, entry, None, WAITING)
    await buffer.take(CID, str(turn), LEASE_S)
    await let_the_lease_run_out(client)
    await buffer.take(CID, str(other), LEASE_S)
    reply = answer(other, entry.client_id)
    await buffer.finish(CID, str(other), reply)
    await buffer.say(CID, OWNER, late, None, WAITING)
    slept = await buffer.finish(CID, str(turn), answer(turn, entry.client_id))
    assert slept == Finished(stored=False, more=True)
    assert await buffer.unsaved(CID) == [entry, reply, late]


async def test_a_worker_whose_lease_is_nobody_s_stores_its_answer(
    buffer: Buffer, turn: UUID, client: Redis | RedisCluster
) -> None:
    await buffer.claim(CID, f"{turn}:7", LEASE_S)
    await let_the_lease_run_out(client)
    reply = answer(turn, ROWS[0].client_id)
    assert await buffer.finish(CID, f"{turn}:7", reply) == Finished(stored=True, more=False)
    assert await buffer.unsaved(CID) == [reply]
    assert await buffer.indexed(10) == [CID]


async def test_a_lease_is_renewed_by_its_holder_alone(
    buffer: Buffer, turn: UUID, client: Redis | RedisCluster
) -> None:
    assert not await buffer.hold(CID, str(turn), LEASE_S)
    await buffer.take(CID, str(turn), 0.5)
    assert await buffer.hold(CID, str(turn), LEASE_S)
    assert await client.pttl(f"{{{CID}}}:lease") > 1_000
    assert not await buffer.hold(CID, str(uuid4()), LEASE_S)
    await buffer.claim(CID, f"{turn}:3", LEASE_S)
    assert await buffer.hold(CID, f"{turn}:3", LEASE_S)
    assert not await buffer.hold(CID, str(turn), LEASE_S)


async def test_postgresql_s_turn_takes_the_lease_from_whoever_has_it(
    buffer: Buffer, turn: UUID
) -> None:
    entry = said()
    await buffer.say(CID, OWNER, entry, None, WAITING)
    await buffer.take(CID, str(turn), LEASE_S)
    await buffer.claim(CID, f"{turn}:9", LEASE_S)
    assert await buffer.holder(CID) == Held(turn, 9)
    assert await buffer.take(CID, str(uuid4()), LEASE_S) is None
    refused = await buffer.finish(CID, str(turn), answer(turn, entry.client_id))
    assert not refused.stored


async def test_a_lease_that_is_given_back_tells_whether_inputs_wait(
    buffer: Buffer, turn: UUID
) -> None:
    await buffer.claim(CID, f"{turn}:9", LEASE_S)
    assert not await buffer.release(CID, f"{turn}:9")
    await buffer.take(CID, str(turn), LEASE_S)
    await buffer.say(CID, OWNER, said(), None, WAITING)
    assert not await buffer.release(CID, str(uuid4()))
    assert await buffer.holder(CID) == Held(turn, 1)
    assert await buffer.release(CID, str(turn))
    assert await buffer.holder(CID) is None


async def test_attempts_count_until_there_is_an_answer(
    buffer: Buffer, turn: UUID, client: Redis | RedisCluster
) -> None:
    entry = said()
    await buffer.say(CID, OWNER, entry, None, WAITING)
    for attempt in (1, 2, 3):
        work = await buffer.take(CID, str(turn := uuid4()), LEASE_S)
        assert work is not None
        assert work.attempts == attempt
        await let_the_lease_run_out(client)
    await buffer.take(CID, str(turn), LEASE_S)
    await buffer.finish(CID, str(turn), answer(turn, entry.client_id))
    work = await buffer.take(CID, str(uuid4()), LEASE_S)
    assert work is not None
    assert work.attempts == 1


async def test_a_turn_goes_on_without_what_nobody_can_read(
    buffer: Buffer, turn: UUID, client: Redis | RedisCluster
) -> None:
    entry = said()
    await client.xadd(f"{{{CID}}}:buf", {"e": "garbage"})
    await buffer.say(CID, OWNER, entry, None, WAITING)
    await client.lpush(f"{{{CID}}}:msgs", "garbage")
    work = await buffer.take(CID, str(turn), LEASE_S)
    assert work is not None
    assert (work.messages, work.entries) == ([], [entry])

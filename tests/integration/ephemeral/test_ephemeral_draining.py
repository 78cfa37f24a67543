"""From the buffer to PostgreSQL: what is taken out, what stays, what nobody can read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from cj.ephemeral import Buffer, Ephemeral

from tests.integration.ephemeral.said import OWNER, WORKFLOW, answer, keys_of, said

if TYPE_CHECKING:
    from cj.domain.entries import Entry
    from cj.ephemeral import Pending, Recent
    from redis.asyncio import Redis, RedisCluster

CID = uuid4()
WAITING = 5
BUF = f"{{{CID}}}:buf"


@pytest.fixture(autouse=True)
async def opened(recent: Recent) -> None:
    """The conversation was open lately."""
    await recent.keep(CID, OWNER, WORKFLOW, [])


async def found(buffer: Buffer) -> Pending:
    pending = await buffer.pending(CID)
    assert pending is not None
    return pending


async def say(buffer: Buffer, *texts: str) -> list[Entry]:
    entries = [said(text) for text in texts]
    for entry in entries:
        await buffer.say(CID, OWNER, entry, None, WAITING)
    return entries


async def drain(buffer: Buffer, pending: Pending, upto: int | None = None) -> int:
    batch = pending.entries[:upto]
    client_ids = [e.client_id for _, e in batch if e is not None and e.client_id is not None]
    return await buffer.drained(CID, [i for i, _ in batch], client_ids, pending.mark)


async def test_there_is_nothing_to_drain_where_nothing_was_said(buffer: Buffer) -> None:
    assert await buffer.pending(CID) is None
    assert await buffer.unsaved(CID) == []


async def test_a_drained_buffer_leaves_nothing_behind(
    buffer: Buffer, client: Redis | RedisCluster
) -> None:
    turn = uuid4()
    entries = await say(buffer, "1", "2")
    await buffer.take(CID, str(turn), 20)
    await buffer.finish(CID, str(turn), answer(turn, *(e.client_id for e in entries)))
    pending = await found(buffer)
    assert not pending.speaking
    assert len(pending.entries) == 3
    assert await drain(buffer, pending) == 0
    assert await keys_of(client) == [f"{{{CID}}}:conv"]
    assert await buffer.pending(CID) is None


async def test_a_drain_in_parts_leaves_the_rest_known(buffer: Buffer) -> None:
    first, second, third = await say(buffer, "1", "2", "3")
    assert await drain(buffer, await found(buffer), upto=2) == 1
    assert await buffer.unsaved(CID) == [third]
    assert await buffer.indexed(10) == [CID]
    again = await buffer.say(CID, OWNER, said("3", third.client_id), None, WAITING)
    assert again.outcome == "dup"
    assert (await buffer.say(CID, OWNER, said("1", first.client_id), None, 1)).outcome == "new"
    assert (await buffer.say(CID, OWNER, said("2", second.client_id), None, 1)).outcome == (
        "overloaded"
    )


async def test_what_a_drain_leaves_waits_for_a_turn_that_nobody_has_begun(
    buffer: Buffer, client: Redis | RedisCluster
) -> None:
    await say(buffer, "1", "2", "3")
    await buffer.take(CID, str(uuid4()), 20)
    await client.delete(f"{{{CID}}}:lease")  # its worker died
    assert await drain(buffer, await found(buffer), upto=2) == 1
    outcomes = [(await buffer.say(CID, OWNER, said(), None, 1)).outcome for _ in range(2)]
    assert outcomes == ["new", "overloaded"]


async def test_what_is_said_while_a_drain_is_on_stays(buffer: Buffer) -> None:
    await say(buffer, "1")
    pending = await found(buffer)
    (late,) = await say(buffer, "2")
    assert await drain(buffer, pending) == 1
    assert await buffer.unsaved(CID) == [late]
    assert await buffer.indexed(10) == [CID]


async def test_what_is_said_again_after_a_drain_is_left_alone_by_a_drain_that_comes_late(
    buffer: Buffer,
) -> None:
    (entry,) = await say(buffer, "1")
    pending = await found(buffer)
    await drain(buffer, pending)
    again = said("1", entry.client_id)
    await buffer.say(CID, OWNER, again, None, WAITING)
    assert await drain(buffer, pending) == 1
    assert await buffer.unsaved(CID) == [again]
    assert await buffer.indexed(10) == [CID]
    once_more = said("1", entry.client_id)
    assert (await buffer.say(CID, OWNER, once_more, None, WAITING)).outcome == "dup"


async def test_the_index_keeps_a_conversation_somebody_is_just_adding_to(
    buffer: Buffer, ephemeral: Ephemeral
) -> None:
    await say(buffer, "1")
    pending = await found(buffer)
    await ephemeral.ask("ZADD", f"buffered:{CID.int % 4}", 7, str(CID))
    await drain(buffer, pending)
    assert await buffer.indexed(10) == [CID]


async def test_an_index_entry_without_a_buffer_is_swept_by_whoever_looks(
    buffer: Buffer, ephemeral: Ephemeral
) -> None:
    await ephemeral.ask("ZADD", f"buffered:{CID.int % 4}", 7, str(CID))
    assert await buffer.indexed(10) == [CID]
    assert await buffer.pending(CID) is None
    assert await buffer.indexed(10) == []


async def test_what_is_said_while_somebody_looks_is_not_swept_out_of_the_index(
    buffer: Buffer, client: Redis | RedisCluster
) -> None:
    class SomebodySpeaks:
        async def execute_command(self, *command: Any, **parsing: Any) -> Any:
            if command[0] == "ZSCORE":
                await say(buffer, "1")
            return await client.execute_command(*command, **parsing)

    async def connected() -> Any:
        return SomebodySpeaks()

    assert await Buffer(Ephemeral(connected)).pending(CID) is None
    assert len(await buffer.unsaved(CID)) == 1
    assert await buffer.indexed(10) == [CID]


async def test_a_buffer_that_is_in_no_index_is_drained_all_the_same(
    buffer: Buffer, client: Redis | RedisCluster
) -> None:
    await say(buffer, "1")
    await client.delete(f"buffered:{CID.int % 4}")
    pending = await found(buffer)
    assert pending.mark is None
    assert await drain(buffer, pending) == 0


async def test_a_drain_sees_whether_a_turn_is_on_that_postgresql_does_not_know(
    buffer: Buffer,
) -> None:
    turn = uuid4()
    await say(buffer, "1")
    await buffer.take(CID, str(turn), 20)
    assert (await found(buffer)).speaking
    await buffer.claim(CID, f"{turn}:2", 20)
    assert not (await found(buffer)).speaking
    await buffer.release(CID, f"{turn}:2")
    assert not (await found(buffer)).speaking


@pytest.mark.parametrize(
    "fields",
    [
        {"e": b"\xff\xfe"},
        {"e": "{"},
        {"e": "null"},
        {"e": "[" * 100_000},
        {"e": '{"kind": "input"}'},
        {"other": "field"},
    ],
    ids=["no text", "no JSON", "no object", "too deep", "no entry", "no such field"],
)
async def test_what_nobody_can_read_is_put_aside_and_the_rest_goes_on(
    buffer: Buffer, client: Redis | RedisCluster, fields: dict[str | bytes, str | bytes]
) -> None:
    bad = await client.xadd(BUF, fields)
    (entry,) = await say(buffer, "1")
    pending = await found(buffer)
    assert [(i == bad, e) for i, e in pending.entries] == [(True, None), (False, entry)]
    assert await buffer.unsaved(CID) == [entry]
    await buffer.quarantine(CID, [bad])
    pending = await found(buffer)
    assert [e for _, e in pending.entries] == [entry]
    assert await drain(buffer, pending) == 0
    aside = f"{{{CID}}}:quarantine"
    assert await client.xlen(aside) == 1
    assert 0 < await client.ttl(aside) <= 7 * 24 * 3600


async def test_a_buffer_of_nothing_but_garbage_is_gone_after_it_was_put_aside(
    buffer: Buffer, client: Redis | RedisCluster
) -> None:
    (entry,) = await say(buffer, "1")
    ((stream_id, _),) = (await found(buffer)).entries
    await buffer.quarantine(CID, [stream_id])
    assert await buffer.pending(CID) is None
    assert await buffer.indexed(10) == []
    assert await keys_of(client) == [f"{{{CID}}}:conv", f"{{{CID}}}:quarantine"]
    again = await buffer.say(CID, OWNER, said("1", entry.client_id), None, WAITING)
    assert again.outcome == "new"


async def test_many_conversations_are_found_and_drained_by_the_index_alone(
    buffer: Buffer, recent: Recent
) -> None:
    cids: set[UUID] = set()
    for _ in range(20):
        cids.add(cid := uuid4())
        await recent.keep(cid, OWNER, WORKFLOW, [])
        await buffer.say(cid, OWNER, said(), None, WAITING)
    seen: set[UUID] = set()
    while batch := await buffer.indexed(7):
        for cid in batch:
            seen.add(cid)
            pending = await buffer.pending(cid)
            assert pending is not None
            await buffer.drained(cid, [i for i, _ in pending.entries], [], pending.mark)
    assert seen == cids

"""The buffer takes what is said while PostgreSQL is away: once, in order, of the owner alone."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from cj.ephemeral import Buffer, Ephemeral, Recent, Said

from tests.integration.ephemeral.said import AT, OWNER, WORKFLOW, keys_of, row, said

if TYPE_CHECKING:
    from uuid import UUID

    from cj.domain.entries import Entry
    from cj.domain.messages import Message
    from redis.asyncio import Redis, RedisCluster

CID = uuid4()
WAITING = 5
ROWS = [row(1), row(2, 'Nüchtern \N{PILE OF POO} \\u0000 "quoted"')]


@pytest.fixture(autouse=True)
async def opened(recent: Recent) -> None:
    """The conversation was open lately."""
    await recent.keep(CID, OWNER, WORKFLOW, ROWS)


async def test_a_message_is_kept_and_somebody_has_to_be_woken(buffer: Buffer) -> None:
    entry = said()
    assert await buffer.say(CID, OWNER, entry, None, WAITING) == Said(
        "new", entry.id, seq=None, created_at=AT, wake=True
    )
    assert await buffer.unsaved(CID) == [entry]
    assert await buffer.indexed(10) == [CID]


async def test_a_message_that_comes_again_is_the_one_that_is_there(buffer: Buffer) -> None:
    first = said()
    await buffer.say(CID, OWNER, first, None, WAITING)
    again = replace(said(first.text, first.client_id), at=AT.replace(year=2027))
    assert await buffer.say(CID, OWNER, again, None, WAITING) == Said(
        "dup", first.id, seq=None, created_at=AT, wake=True
    )
    other = said("other words", first.client_id)
    assert (await buffer.say(CID, OWNER, other, None, WAITING)).outcome == "id_conflict"
    assert await buffer.unsaved(CID) == [first]


@pytest.mark.parametrize("known", ROWS, ids=["plain", "odd characters"])
async def test_a_message_postgresql_has_is_not_kept_again(buffer: Buffer, known: Message) -> None:
    again = said(known.text, known.client_id)
    assert await buffer.say(CID, OWNER, again, None, WAITING) == Said(
        "dup", known.id, seq=known.seq, created_at=AT, wake=False
    )
    other = said("other words", known.client_id)
    assert (await buffer.say(CID, OWNER, other, None, WAITING)).outcome == "id_conflict"
    assert await buffer.unsaved(CID) == []
    assert await buffer.indexed(10) == []


async def test_a_message_that_only_quotes_an_id_is_a_new_one(buffer: Buffer) -> None:
    entry = said()
    await buffer.say(CID, OWNER, entry, None, WAITING)
    quoting = said(f"What is {entry.client_id}, and {ROWS[0].client_id}?")
    assert (await buffer.say(CID, OWNER, quoting, None, WAITING)).outcome == "new"


@pytest.mark.parametrize("garbage", ["{{}", '"{}"', "7 {}"])
async def test_a_row_nobody_can_read_is_nobody_s_message(
    buffer: Buffer, client: Redis | RedisCluster, garbage: str
) -> None:
    entry = said()
    await client.lpush(f"{{{CID}}}:msgs", garbage.replace("{}", str(entry.client_id)))
    assert (await buffer.say(CID, OWNER, entry, entry.client_id, WAITING)).outcome == "out_of_order"
    assert (await buffer.say(CID, OWNER, entry, None, WAITING)).outcome == "new"


async def test_a_message_waits_for_the_one_before_it(buffer: Buffer) -> None:
    first, second = said("1"), said("2")
    early = await buffer.say(CID, OWNER, second, first.client_id, WAITING)
    assert early == Said("out_of_order", None, None, None, wake=False)
    await buffer.say(CID, OWNER, first, ROWS[1].client_id, WAITING)
    assert (await buffer.say(CID, OWNER, second, first.client_id, WAITING)).outcome == "new"
    assert await buffer.unsaved(CID) == [first, second]


async def test_only_chats_that_were_open_lately_go_on(buffer: Buffer) -> None:
    assert await buffer.say(uuid4(), OWNER, said(), None, WAITING) == Said(
        "not_open", None, None, None, wake=False
    )
    assert await buffer.indexed(10) == []


async def test_nobody_speaks_in_a_conversation_of_somebody_else(
    buffer: Buffer, recent: Recent
) -> None:
    entry = said()
    await buffer.say(CID, OWNER, entry, None, WAITING)
    foreign = await buffer.say(CID, "anon_2", said(client_id=entry.client_id), None, WAITING)
    assert (foreign.outcome, foreign.message_id) == ("not_found", None)
    await recent.forget(CID)
    assert (await buffer.say(CID, "anon_2", said(), None, WAITING)).outcome == "not_found"
    assert await buffer.unsaved(CID) == [entry]


async def test_a_chat_with_a_buffer_stays_open_when_the_cache_is_evicted(
    buffer: Buffer, recent: Recent
) -> None:
    await buffer.say(CID, OWNER, said(), None, WAITING)
    await recent.forget(CID)
    assert (await buffer.say(CID, OWNER, said(), None, WAITING)).outcome == "new"
    work = await buffer.take(CID, str(uuid4()), 20)
    assert work is not None
    assert (work.owner_id, work.workflow) == (OWNER, WORKFLOW)


async def test_a_chat_that_goes_on_keeps_its_cache(
    buffer: Buffer, client: Redis | RedisCluster
) -> None:
    for name in ("conv", "msgs"):
        await client.expire(f"{{{CID}}}:{name}", 5)
    await buffer.say(CID, OWNER, said(), None, WAITING)
    for name in ("conv", "msgs"):
        assert await client.ttl(f"{{{CID}}}:{name}") > 3_500


async def test_what_waits_to_be_saved_has_no_time_to_live(
    buffer: Buffer, client: Redis | RedisCluster
) -> None:
    await buffer.say(CID, OWNER, said(), None, WAITING)
    lasting = [key for key in await keys_of(client) if await client.ttl(key) == -1]
    shard = f"buffered:{CID.int % 4}"
    assert lasting == sorted([f"{{{CID}}}:buf", f"{{{CID}}}:ids", shard])


@pytest.mark.parametrize("waiting", [0, 1, 5])
async def test_while_one_is_answered_so_many_more_may_wait(buffer: Buffer, waiting: int) -> None:
    entries = [said(str(i)) for i in range(waiting + 3)]
    outcomes = [(await buffer.say(CID, OWNER, e, None, waiting)).outcome for e in entries]
    assert outcomes == ["new"] * (waiting + 1) + ["overloaded"] * 2
    again = said(entries[0].text, entries[0].client_id)
    assert (await buffer.say(CID, OWNER, again, None, waiting)).outcome == "dup"


async def test_a_buffer_holds_five_hundred(buffer: Buffer, client: Redis | RedisCluster) -> None:
    for _ in range(499):
        await client.xadd(f"{{{CID}}}:buf", {"e": "{}"})
    outcomes = [(await buffer.say(CID, OWNER, said(), None, WAITING)).outcome for _ in range(2)]
    assert outcomes == ["new", "overloaded"]


async def test_fifty_at_once_are_each_kept_once_in_one_order(buffer: Buffer) -> None:
    entries = [said(str(i)) for i in range(50)]
    told = await asyncio.gather(*(buffer.say(CID, OWNER, e, None, 100) for e in entries))
    assert [s.outcome for s in told] == ["new"] * 50
    kept = await buffer.unsaved(CID)
    assert len(kept) == 50
    assert {e.id for e in kept} == {e.id for e in entries}
    pending = await buffer.pending(CID)
    assert pending is not None
    assert [entry for _, entry in pending.entries] == kept
    ids = [tuple(map(int, stream_id.split("-"))) for stream_id, _ in pending.entries]
    assert ids == sorted(ids)


async def test_one_sender_s_chain_keeps_its_order_among_others(buffer: Buffer) -> None:
    chains = [[said(f"{sender} {i}") for i in range(8)] for sender in range(4)]

    async def speak(chain: list[Entry]) -> None:
        before: UUID | None = None
        for entry in chain:
            assert (await buffer.say(CID, OWNER, entry, before, 100)).outcome == "new"
            before = entry.client_id

    await asyncio.gather(*map(speak, chains))
    kept = await buffer.unsaved(CID)
    for sender, chain in enumerate(chains):
        assert [e for e in kept if e.text.startswith(f"{sender} ")] == chain


async def test_the_index_gives_the_conversations_that_wait_longest(
    ephemeral: Ephemeral, recent: Recent
) -> None:
    marks = iter(range(1, 1000))
    buffer = Buffer(ephemeral, next_mark=lambda: next(marks))
    cids = [uuid4() for _ in range(9)]
    for cid in cids:
        await recent.keep(cid, OWNER, WORKFLOW, [])
        await buffer.say(cid, OWNER, said(), None, WAITING)
    assert await buffer.indexed(5) == cids[:5]
    assert await buffer.indexed(50) == cids

"""Everybody at once, interrupted between any two commands."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from cj.ephemeral import Buffer, Ephemeral, Recent
from redis.asyncio import BlockingConnectionPool, Redis, RedisCluster

from tests.integration.ephemeral.said import OWNER, WORKFLOW, answer, keys_of, said
from tests.seeds import SEEDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

ROUNDS = 100
AT_ONCE = 20


@dataclass
class Drawn:
    """Commands of one conversation, one at a time; whose is next is drawn by lot."""

    client: Redis | RedisCluster
    random: Random
    waiting: list[asyncio.Event] = field(default_factory=list)
    busy: bool = False

    async def execute_command(self, *command: Any, **parsing: Any) -> Any:
        self.waiting.append(mine := asyncio.Event())
        asyncio.get_running_loop().call_soon(self._draw)
        await mine.wait()
        try:
            return await self.client.execute_command(*command, **parsing)
        finally:
            self.busy = False
            asyncio.get_running_loop().call_soon(self._draw)

    def _draw(self) -> None:
        if self.waiting and not self.busy:
            self.busy = True
            self.waiting.pop(self.random.randrange(len(self.waiting))).set()


@dataclass
class Forgetful:
    """Redis loses everything now and then, between two commands or behind the last one."""

    client: Redis | RedisCluster
    random: Random
    lost: int = 0

    async def execute_command(self, *command: Any, **parsing: Any) -> Any:
        if self.random.random() < 0.2:
            self.lost += 1
            keys = await keys_of(self.client)
            await asyncio.gather(*(self.client.delete(key) for key in keys))
        return await self.client.execute_command(*command, **parsing)


def guarded(client: Any) -> Ephemeral:
    async def connected() -> Any:
        return client

    return Ephemeral(connected)


@dataclass
class Chat:
    """One conversation of PostgreSQL's outage: several talk, workers answer, drains come by."""

    buffer: Buffer
    random: Random
    answering: bool
    cid: UUID = field(default_factory=uuid4)
    heard: list[UUID] = field(default_factory=list)
    committed: set[UUID] = field(default_factory=set)
    workers: list[asyncio.Task[None]] = field(default_factory=list)

    async def talk(self, times: int) -> None:
        for _ in range(times):
            entry = said()
            told = await self.buffer.say(self.cid, OWNER, entry, None, 100)
            assert told.outcome == "new"
            assert entry.client_id is not None
            self.heard.append(entry.client_id)
            if told.wake and self.answering:
                self.workers.append(asyncio.create_task(self.work()))

    async def work(self) -> None:
        """Answers what waits, or fails, until nobody says that more waits."""
        more = True
        while more:
            turn = uuid4()
            work = await self.buffer.take(self.cid, str(turn), 60)
            if work is None:
                return
            done = {client_id for entry in work.entries for client_id in entry.answers}
            open_ = {entry.client_id for entry in work.entries if entry.client_id} - done
            if open_ and self.random.random() < 0.8:
                reply = answer(turn, *open_)
                finished = await self.buffer.finish(self.cid, str(turn), reply)
                assert finished.stored
                more = finished.more
            else:
                more = await self.buffer.release(self.cid, str(turn))

    async def drain(self) -> None:
        pending = await self.buffer.pending(self.cid)
        if pending is not None:
            entries = [entry for _, entry in pending.entries if entry is not None]
            client_ids = [e.client_id for e in entries if e.client_id is not None]
            self.committed.update(client_ids)
            stream_ids = [stream_id for stream_id, _ in pending.entries]
            await self.buffer.drained(self.cid, stream_ids, client_ids, pending.mark)

    async def everybody_is_done(self) -> None:
        while self.workers:
            await self.workers.pop()


async def opened(client: Redis | RedisCluster, seed: int, *, answering: bool) -> list[Chat]:
    random, recent = Random(seed), Recent(guarded(client), 3600, 15)
    chats = [Chat(Buffer(guarded(Drawn(client, random))), random, answering) for _ in range(ROUNDS)]
    for chat in chats:
        await recent.keep(chat.cid, OWNER, WORKFLOW, [])
    return chats


@pytest.fixture(params=["one server", "cluster"])
async def client(request: pytest.FixtureRequest) -> AsyncIterator[Redis | RedisCluster]:
    """Many connections: everybody is a process of its own."""
    made: Redis | RedisCluster
    if request.param == "cluster":
        url = request.getfixturevalue("redis_cluster_url")
        made = RedisCluster.from_url(url, decode_responses=True, protocol=3)
    else:
        url = request.getfixturevalue("redis_url")
        pool = BlockingConnectionPool.from_url(
            url, max_connections=50, timeout=30, decode_responses=True, protocol=3
        )
        made = Redis.from_pool(pool)
    yield made
    await made.aclose()


@pytest.mark.parametrize("seed", SEEDS)
async def test_no_message_waits_while_nobody_was_told(
    client: Redis | RedisCluster, seed: int
) -> None:
    async def converse(chat: Chat) -> None:
        await asyncio.gather(*(chat.talk(2) for _ in range(3)))
        await chat.everybody_is_done()
        entries = await chat.buffer.unsaved(chat.cid)
        answered = Counter(client_id for entry in entries for client_id in entry.answers)
        assert answered == dict.fromkeys(chat.heard, 1)

    chats = await opened(client, seed, answering=True)
    for several in zip(*[iter(chats)] * AT_ONCE, strict=True):
        await asyncio.gather(*map(converse, several))


@pytest.mark.parametrize("seed", SEEDS)
async def test_the_index_never_loses_a_conversation_that_has_a_buffer(
    client: Redis | RedisCluster, seed: int
) -> None:
    async def converse(chat: Chat) -> None:
        await asyncio.gather(*(chat.talk(1) for _ in range(3)), chat.drain(), chat.drain())

    chats = await opened(client, seed, answering=False)
    for several in zip(*[iter(chats)] * AT_ONCE, strict=True):
        await asyncio.gather(*map(converse, several))
    by_cid = {chat.cid: chat for chat in chats}
    for _ in range(2):  # the first round drains, the second one sweeps what has no buffer
        for cid in await chats[0].buffer.indexed(1_000):
            await by_cid[cid].drain()
    assert await chats[0].buffer.indexed(1_000) == []
    for chat in chats:
        assert await chat.buffer.unsaved(chat.cid) == []
        assert chat.committed == set(chat.heard)


@pytest.mark.parametrize("seed", SEEDS)
async def test_whatever_vanishes_in_between_nothing_breaks(
    client: Redis | RedisCluster, seed: int
) -> None:
    random = Random(seed)
    forgetful = Forgetful(client, random)
    recent, buffer = Recent(guarded(forgetful), 3600, 15), Buffer(guarded(forgetful))
    cid, turn, entry = uuid4(), uuid4(), said()
    verbs: list[Callable[[], Awaitable[object]]] = [
        lambda: recent.keep(cid, OWNER, WORKFLOW, []),
        lambda: buffer.say(cid, OWNER, entry, None, 5),
        lambda: buffer.say(cid, OWNER, said(), entry.client_id, 5),
        lambda: buffer.take(cid, str(turn), 20),
        lambda: buffer.hold(cid, str(turn), 20),
        lambda: buffer.finish(cid, str(turn), answer(turn, entry.client_id)),
        lambda: buffer.release(cid, str(turn)),
        lambda: buffer.claim(cid, f"{turn}:1", 20),
        lambda: buffer.holder(cid),
        lambda: buffer.unsaved(cid),
        lambda: Chat(buffer, random, False, cid).drain(),
        lambda: buffer.quarantine(cid, ["1-1"]),
        lambda: buffer.indexed(5),
    ]
    for _ in range(400):
        await random.choice(verbs)()
    assert forgetful.lost > 50
    await Recent(guarded(client), 60, 15).keep(cid, OWNER, WORKFLOW, [])
    buffer = Buffer(guarded(client))
    assert (await buffer.say(cid, OWNER, said(), None, 500)).outcome == "new"
    assert await buffer.indexed(5) == [cid]

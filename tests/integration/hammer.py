"""Many connections, duplicates, lost replies and dying workers against the turn functions.

People say chained messages and offer each of them several times at once; an invocation is
delivered once or twice, at once or a little later; any reply may be lost, after which the call is
made again on another connection; some workers die. `faults` then looks at what is in the tables
and names everything that must not be there.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING, Any

from cj.domain.ids import new_id
from cj.store import Database

from tests.integration.chatroom import Room

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    from cj.domain.turns import Received


@dataclass(frozen=True)
class Load:
    """How hard it gets. `lost`: of the replies; `dying`: of the workers, some before they begin."""

    rooms: int = 12
    people: int = 3  # to a room
    messages: int = 60  # of each person
    offers: int = 3  # of each message, at most
    connections: int = 16
    lost: float = 0.2
    twice: float = 0.3  # of the invocations
    dying: float = 0.0
    lease: timedelta = timedelta(seconds=60)
    patience_s: float = 60.0


@dataclass
class Hammer:
    """One run. What is random comes from the seed, but for the order the server decides."""

    url: str
    seed: int
    load: Load
    rooms: list[Room] = field(default_factory=list)
    said: dict[UUID, list[list[UUID]]] = field(default_factory=lambda: defaultdict(list))
    acks: list[tuple[UUID, UUID, Received]] = field(default_factory=list)
    begun: dict[tuple[UUID, int], set[UUID]] = field(default_factory=lambda: defaultdict(set))
    troubles: list[str] = field(default_factory=list)
    calls: int = 0

    async def run(self) -> list[str]:
        """What went wrong; nothing, if all is well."""
        self._random = Random(self.seed)
        self._free: asyncio.Queue[Database] = asyncio.Queue()
        self._workers: set[asyncio.Task[None]] = set()
        connections = [
            Database(self.url, command_timeout_s=self.load.patience_s)
            for _ in range(self.load.connections)
        ]
        for db in connections:
            self._free.put_nowait(db)
        self.rooms = [await Room(connections[0]).furnish() for _ in range(self.load.rooms)]
        await asyncio.gather(*(self._talk(room) for room in self.rooms * self.load.people))
        await self._quiet()
        found = [fault for room in self.rooms for fault in await self.faults(room)]
        for db in connections:
            await db.close()
        return sorted({*self.troubles, *found})

    async def _talk(self, room: Room) -> None:
        """A person says one thing after the other, often without waiting for the ack."""
        mine: list[UUID] = []
        self.said[room.cid].append(mine)
        offers: set[asyncio.Task[None]] = set()
        for _ in range(self.load.messages):
            client, prev = new_id(), mine[-1] if mine else None
            mine.append(client)
            for _ in range(self._random.randint(1, self.load.offers)):
                offers.add(asyncio.create_task(self._offer(room, client, prev)))
            if len(offers) > 4 or self._random.random() < 0.5:
                await asyncio.gather(*offers)
                offers.clear()
        await asyncio.gather(*offers)

    async def _offer(self, room: Room, client: UUID, prev: UUID | None) -> None:
        """Until it is durable, as the page does."""
        started = asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() - started < self.load.patience_s:
            received = await self._receive(room, client, prev)
            if received.invoke:
                self._wake(room, received.turn, received.fence)
            if received.outcome in ("new", "dup"):
                self.acks.append((room.cid, client, received))
                return
            if received.outcome not in ("out_of_order", "overloaded"):
                self.troubles.append(f"refused: {received.outcome}")
                return
            await self._moment()
        self.troubles.append("a message was never accepted")

    async def _receive(self, room: Room, client: UUID, prev: UUID | None) -> Received:
        asked = {"client": client, "prev": prev, "message_id": new_id(), "turn": new_id()}
        return await self._call(room, lambda here: here.say(**asked, lease=self.load.lease))

    def _wake(self, room: Room, turn: UUID, fence: int) -> None:
        for _ in range(1 + (self._random.random() < self.load.twice)):
            worker = asyncio.create_task(self._work(room, turn, fence))
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)

    async def _work(self, room: Room, turn: UUID, fence: int) -> None:
        worker, lease = new_id(), self.load.lease
        await self._moment()
        if self._random.random() < self.load.dying:
            return
        woken = _Woken(turn, fence)
        begun = await self._call(room, lambda here: here.begin(woken, worker=worker, lease=lease))
        if begun is None:
            return
        self.begun[room.cid, begun.fence].add(worker)
        await self._moment()
        if self._random.random() < self.load.dying:
            return
        asked = {"answer": new_id(), "next_turn": new_id(), "lease": lease}
        ended = await self._call(room, lambda here: here.end(woken, begun, **asked))
        if ended is not None and ended.next_turn is not None:
            self._wake(room, ended.next_turn, ended.fence)

    async def _call(self, room: Room, ask: Callable[[Room], Awaitable[Any]]) -> Any:
        """On some connection; where the reply is lost, again on another, and that reply counts."""
        while True:
            self.calls += 1
            db = await self._free.get()
            try:
                answer = await ask(room.seen_by(db))
            finally:
                self._free.put_nowait(db)
            if self._random.random() >= self.load.lost:
                return answer
            await self._moment()

    async def _moment(self) -> None:
        await asyncio.sleep(self._random.random() * 0.005)

    async def _quiet(self) -> None:
        """Every worker has come home. Where workers die, pages come back and find their turns."""
        async with asyncio.timeout(self.load.patience_s):
            while True:
                while self._workers:
                    await asyncio.gather(*self._workers)
                if not self.load.dying or not await self._touch():
                    return
                await self._moment()

    async def _touch(self) -> bool:
        """Whether any conversation has a turn still."""
        running = False
        for room in self.rooms:
            opened = await self._call(room, lambda here: here.open(lease=self.load.lease))
            running |= opened.turn is not None
            if opened.invoke:
                self._wake(room, opened.turn, opened.fence)
        return running

    async def faults(self, room: Room) -> list[str]:
        """Everything in this conversation's tables that must not be there."""
        conversation, rows = await room.row(), await room.rows()
        return [
            *_of_numbering(conversation, rows),
            *self._of_messages(room.cid, rows),
            *_of_answers(conversation, rows),
            *("two workers in one turn" for workers in self._workers_of(room) if len(workers) > 1),
        ]

    def _workers_of(self, room: Room) -> list[set[UUID]]:
        return [workers for (cid, _), workers in self.begun.items() if cid == room.cid]

    def _of_messages(self, cid: UUID, rows: list[dict[str, Any]]) -> list[str]:
        found = {row["client_id"]: row for row in rows if row["client_id"]}
        said = [client for mine in self.said[cid] for client in mine]
        faults = ["a message was lost"] * len(set(said) - set(found))
        faults += ["a message nobody said"] * len(set(found) - set(said))
        for mine in self.said[cid]:
            seqs = [found[client]["seq"] for client in mine if client in found]
            faults += ["a person's own order broke" for a, b in pairwise(seqs) if a >= b]
        for where, client, ack in self.acks:
            row = found.get(client)
            if where == cid and row and (row["seq"], row["id"]) != (ack.seq, ack.message_id):
                faults.append("an ack told of another row")
        return faults


@dataclass(frozen=True)
class _Woken:
    turn: UUID
    fence: int


def _of_numbering(conversation: dict[str, Any], rows: list[dict[str, Any]]) -> list[str]:
    seqs = [row["seq"] for row in rows]
    faults = []
    if seqs != list(range(1, len(rows) + 1)):
        faults.append("seq has a gap")
    if conversation["last_seq"] != max(seqs, default=0):
        faults.append("last_seq is not the last seq")
    return faults


def _of_answers(conversation: dict[str, Any], rows: list[dict[str, Any]]) -> list[str]:
    answers = [row for row in rows if row["role"] == "assistant"]
    answered = Counter(
        seq for row in answers for seq in range(row["answers_from"], row["answers_through"] + 1)
    )
    inputs = [row["seq"] for row in rows if row["role"] == "user"]
    faults = ["a message has no answer" for seq in inputs if answered[seq] == 0]
    faults += ["a message has two answers" for seq in inputs if answered[seq] > 1]
    turns = Counter(row["turn_id"] for row in answers)
    faults += ["a turn answered twice" for count in turns.values() if count > 1]
    if any(row["answers_through"] >= row["seq"] for row in answers):
        faults.append("an answer came before its question")
    if conversation["turn_id"] is not None:
        faults.append("a wake-up was lost: a turn is taken and nobody works on it")
    return faults

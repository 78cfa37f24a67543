"""Many connections, duplicates, lost replies and dying workers against the turn functions.

People say chained messages and offer each of them several times at once, want other answers and
want silence; an invocation is delivered once or twice, at once or a little later; any reply may be
lost, after which the call is made again on another connection; some workers die. Some messages
and answers are kept outside, as in an outage, and drained by whoever comes next. What is in the
tables afterwards is looked at by `History.faults`.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from cj.domain.ids import new_id
from cj.store import Database

from tests.integration.chatroom import Room
from tests.integration.hammer_talk import Talk

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from uuid import UUID

    from cj.domain.turns import Begun, Received, Status


@dataclass(frozen=True)
class Load:
    """How hard it gets. `lost`: of the replies; `dying`: of the workers, some before they begin."""

    rooms: int = 12
    people: int = 3  # to a room
    messages: int = 56  # of each person
    offers: int = 3  # of each message, at most
    connections: int = 16
    lost: float = 0.2
    twice: float = 0.3  # of the invocations
    retried: float = 0.03  # of the messages
    stopped: float = 0.05  # of the turns
    kept: float = 0.05  # of the offers
    dying: float = 0.0
    lease: timedelta = timedelta(seconds=60)
    patience_s: float = 60.0


@dataclass
class Hammer:
    """One run. What is random comes from the seed, but for the order the server decides."""

    url: str
    seed: int
    load: Load
    talks: list[Talk] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    seen: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))

    async def run(self) -> list[str]:
        """What went wrong; nothing, if all is well."""
        self._random = Random(self.seed)
        self._free: asyncio.Queue[Database] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        connections = [
            Database(self.url, command_timeout_s=self.load.patience_s)
            for _ in range(self.load.connections)
        ]
        for db in connections:
            self._free.put_nowait(db)
        self.talks = [Talk(await Room(connections[0]).furnish()) for _ in range(self.load.rooms)]
        await asyncio.gather(*(self._person(talk) for talk in self.talks * self.load.people))
        await self._quiet()
        found = await self.faults(connections[0])
        for db in connections:
            await db.close()
        return sorted({*self.troubles, *found})

    async def faults(self, db: Database) -> list[str]:
        """What must not be in the tables."""
        return [
            fault
            for talk in self.talks
            for fault in await talk.history.faults(talk.room.seen_by(db))
        ]

    async def _person(self, talk: Talk) -> None:
        """Says one thing after the other, often without waiting for the ack."""
        mine: list[UUID] = []
        talk.history.said.append(mine)
        offers: set[asyncio.Task[None]] = set()
        for _ in range(self.load.messages):
            client, prev = new_id(), mine[-1] if mine else None
            mine.append(client)
            for _ in range(self._random.randint(1, self.load.offers)):
                offers.add(asyncio.create_task(self._offer(talk, client, prev)))
            if len(offers) > 4 or self._maybe(0.5):
                await asyncio.gather(*offers)
                offers.clear()
            if self._maybe(self.load.retried) and talk.own:
                await self._retry(talk)
        await asyncio.gather(*offers)

    async def _offer(self, talk: Talk, client: UUID, prev: UUID | None) -> None:
        """Until it is durable or kept, as the page does."""
        started = asyncio.get_running_loop().time()
        asked = {"client": client, "prev": prev, "message_id": new_id(), "turn": new_id()}
        while asyncio.get_running_loop().time() - started < self.load.patience_s:
            if self._maybe(self.load.kept) and talk.kept.keep(client, prev, talk.durable):
                self._spawn(self._answer_kept(talk))
                return
            received = await self._receive(talk, **asked)
            if received.outcome in ("new", "dup"):
                talk.own.append(received.message_id)
                return
            if received.outcome not in ("out_of_order", "overloaded"):
                self.troubles.append(f"refused: {received.outcome}")
                return
            await self._moment()
        self.troubles.append("a message was never accepted")

    async def _retry(self, talk: Talk) -> None:
        """Another answer, or other words. While CJ speaks it is busy, and people give up."""
        again = talk.answers and self._maybe(0.5)
        of = self._random.choice(talk.answers if again else talk.own)
        asked = {"client": new_id(), "text": None if again else "Hello again", "of": of}
        asked |= {"message_id": new_id(), "turn": new_id()}
        for _ in range(10):
            received = await self._receive(talk, **asked)
            if received.outcome in ("new", "dup"):
                talk.history.said.append([asked["client"]])
                return
            if received.outcome != "busy":
                self.troubles.append(f"retry refused: {received.outcome}")
                return
            await self._moment()

    async def _receive(self, talk: Talk, **asked: Any) -> Received:
        """What is kept goes first."""
        if talk.kept.entries:
            await self._drain(talk)
        lease = self.load.lease
        received = await self._call(talk, lambda here: here.say(lease=lease, **asked))
        kind = "message" if "of" not in asked else "edit" if asked["text"] else "regenerate"
        self.seen[f"{kind} {received.outcome}"] += 1
        if received.outcome in ("new", "dup"):
            talk.history.acks.append((asked["client"], received))
            talk.durable[asked["client"]] = None
        if received.invoke:
            self._wake(talk, received.turn, received.fence)
        return received

    async def _answer_kept(self, talk: Talk) -> None:
        """A turn PostgreSQL knows nothing of, and sometimes it knows nothing of PostgreSQL's."""
        await self._moment()
        if self._maybe(0.7):
            newest = list(talk.durable)[-self._random.randint(0, 6) :]
            talk.kept.answer(newest if self._maybe(0.7) else [])

    async def _drain(self, talk: Talk) -> None:
        entries, turn, lease = list(talk.kept.entries), new_id(), self.load.lease
        drained = await self._call(talk, lambda here: here.drain(*entries, turn=turn, lease=lease))
        for entry, settled in zip(entries, drained.rows, strict=True):
            talk.history.settled.append((entry, settled))
            if entry.client_id:
                talk.durable[entry.client_id] = None
            self.seen[f"{entry.kind} {'replaced' if settled.replaced else 'drained'}"] += 1
        talk.kept.drained(entries)
        if drained.invoke:
            self._wake(talk, drained.turn, drained.fence)

    def _wake(self, talk: Talk, turn: UUID, fence: int) -> None:
        for _ in range(1 + self._maybe(self.load.twice)):
            self._spawn(self._work(talk, _Woken(turn, fence)))
        if self._maybe(self.load.stopped):
            self._spawn(self._stop(talk, turn))

    async def _stop(self, talk: Talk, turn: UUID) -> None:
        if self._maybe(0.5):
            await self._moment()
        talk.history.stops.add(turn)
        found = await self._call(talk, lambda here: here.stop(turn))
        self.seen[f"stop {found}"] += 1
        if found == "stopping":
            talk.stopping.add(turn)

    async def _work(self, talk: Talk, woken: _Woken) -> None:
        worker, lease = new_id(), self.load.lease
        await self._moment()
        if self._maybe(self.load.dying):
            return
        stopping = woken.turn in talk.stopping
        begun = await self._call(talk, lambda here: here.begin(woken, worker=worker, lease=lease))
        if begun is None:
            return
        talk.history.begun.append((worker, begun))
        if stopping and not begun.stop:
            self.troubles.append("a stop was not seen")
        await self._moment()
        if self._maybe(self.load.dying):
            return
        status = await self._status(talk, woken, begun)
        asked = {"answer": new_id(), "next_turn": new_id(), "lease": lease, "status": status}
        ended = await self._call(talk, lambda here: here.end(woken, begun, **asked))
        self.seen[f"turn {status if ended else 'refused'}"] += 1
        if ended is None:
            return
        talk.answers.append(ended.message_id)
        if ended.next_turn is not None:
            self._wake(talk, ended.next_turn, ended.fence)

    async def _status(self, talk: Talk, woken: _Woken, begun: Begun) -> Status:
        """Some workers renew their lease, and hear then whether somebody wants silence."""
        silent = begun.stop
        if self._maybe(0.2):
            lease = self.load.lease
            held = await self._call(talk, lambda here: here.renew(woken, begun, lease=lease))
            silent = silent or (held is not None and held.stop)
        return "stopped" if silent else "complete"

    async def _call(self, talk: Talk, ask: Callable[[Room], Awaitable[Any]]) -> Any:
        """On some connection; where the reply is lost, again on another, and that reply counts."""
        while True:
            self.seen["calls"] += 1
            db = await self._free.get()
            try:
                answer = await ask(talk.room.seen_by(db))
            finally:
                self._free.put_nowait(db)
            if not self._maybe(self.load.lost):
                return answer
            await self._moment()

    def _maybe(self, chance: float) -> bool:
        return self._random.random() < chance

    async def _moment(self) -> None:
        await asyncio.sleep(self._random.random() * 0.005)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _quiet(self) -> None:
        """Everybody has come home. Where workers die, pages come back and find their turns."""
        async with asyncio.timeout(self.load.patience_s):
            while True:
                while self._tasks:
                    await asyncio.gather(*self._tasks)
                kept = [talk for talk in self.talks if talk.kept.entries]
                await asyncio.gather(*map(self._drain, kept))
                if not kept and not self._tasks and not (self.load.dying and await self._touch()):
                    return

    async def _touch(self) -> bool:
        """Whether any conversation has a turn still."""
        running = False
        for talk in self.talks:
            opened = await self._call(talk, lambda here: here.open(lease=self.load.lease))
            running |= opened.turn is not None
            if opened.invoke:
                self._wake(talk, opened.turn, opened.fence)
        await self._moment()
        return running


@dataclass(frozen=True)
class _Woken:
    turn: UUID
    fence: int

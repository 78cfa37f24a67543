"""People with two tabs each, who say things while everything breaks, and wait until it is well."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Self

from tests.chaos.history import Record
from tests.chaos.page import Pace, Page
from tests.chaos.tab import Tab, new_cookie

if TYPE_CHECKING:
    from collections.abc import Iterator, Set

HASTY = Pace(ack_s=4, unsaved_s=2, silence_s=4)  # for few tabs and little time
BACKOFF_S = (0.2, 2.0)
UNSAVED_AT_MOST = 4  # a person with so much unsaved waits before saying more
UNHEARD_AT_MOST = 40  # nobody says more while so many wait for their first ack: see Crowd.talk
COUNT_S = 0.05
COMMON = (
    *("say 3 chunks every 40 ms",) * 6,
    *("say 6 chunks every 80 ms",) * 4,
    *("stream 1 s",) * 4,
    *("instant",) * 3,
    "tool",
    "stream 2 s",
    "fail",
)
RARE = "crash once"  # costs its conversation a lease: one message in so many
ONE_IN = 100


class Tickets:
    """One for each message that may be said by now; given out in portions."""

    def __init__(self) -> None:
        self.given = self.used = 0
        self._more = asyncio.Event()
        self._taken = asyncio.Event()
        self._closed = False

    def give(self, count: int) -> None:
        self.given += count
        self._more.set()

    def close(self) -> None:
        """There will be no more."""
        self._closed = True
        self._more.set()

    async def take(self) -> int | None:
        """The number of this message, or None when there are no more to come."""
        while self.used == self.given:
            if self._closed:
                return None
            self._more.clear()
            await self._more.wait()
        self.used += 1
        self._taken.set()
        return self.used

    async def used_up_to(self, count: int) -> None:
        """Returns once so many are used."""
        while self.used < count:
            self._taken.clear()
            await self._taken.wait()


@dataclass(eq=False)
class Seat:
    """Where a tab is: one that dies is followed by another."""

    number: int
    cookie: str
    random: Random
    tab: Tab
    records: list[Record] = field(default_factory=list)


@dataclass
class Crowd:
    """Everybody who takes part. Two tabs of one browser look at the same conversation."""

    url: str
    seed: int
    connections: int
    pause_s: float = 1.0
    pace: Pace = HASTY
    crashes: bool = True  # some wishes end the process that fulfils them
    seats: list[Seat] = field(default_factory=list)
    _counted: tuple[float, int] = (0.0, 0)

    async def __aenter__(self) -> Self:
        """Everybody has opened their conversation."""
        rooms = range((self.connections + 1) // 2)
        try:
            async with asyncio.TaskGroup() as group:
                for room in rooms:
                    group.create_task(self._furnish(room))
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(seat.tab.close() for seat in self.seats))

    async def _furnish(self, room: int) -> None:
        cookie = await new_cookie(self.url)
        first = await self._seat(2 * room, cookie, None)
        if 2 * room + 1 < self.connections:
            await self._seat(2 * room + 1, cookie, first.tab.page.cid)

    async def _seat(self, number: int, cookie: str, cid: str | None) -> Seat:
        random = Random(f"{self.seed}/{number}")
        seat = Seat(number, cookie, random, self._tab(f"tab {number}", cookie, random, cid))
        self.seats.append(seat)
        seat.records.append(seat.tab.page.record)
        seat.tab.open()
        assert await seat.tab.until(lambda page: page.joined), "a conversation did not open"
        return seat

    def _tab(self, name: str, cookie: str, random: Random, cid: str | None) -> Tab:
        page = Page(Record(name, cid or ""), self.pace, lambda: str(uuid.uuid4()), cid)
        return Tab(self.url, cookie, page, random, BACKOFF_S)

    async def replace(self, seat: Seat) -> None:
        """The tab dies with everything it had in memory; the person opens another one."""
        old = seat.tab
        old.page.record.died_at = time.monotonic()
        await old.close()
        name = f"tab {seat.number}.{len(seat.records)}"
        seat.tab = self._tab(name, seat.cookie, seat.random, old.page.cid)
        seat.records.append(seat.tab.page.record)
        seat.tab.open()

    async def talk(self, tickets: Tickets) -> None:
        """Returns when everything is said that there are tickets for.

        Faster than it can be taken would only show how a queue grows: frames would wait longer
        than API Gateway does, be offered again, and wait even longer.
        """
        await asyncio.gather(*(self._talk(seat, tickets) for seat in self.seats))

    async def _talk(self, seat: Seat, tickets: Tickets) -> None:
        while (number := await tickets.take()) is not None:
            seat.tab.say(f"{seat.number}/{number}: {self._wish(seat.random)}")
            await asyncio.sleep(seat.random.random() * 2 * self.pause_s)
            await seat.tab.until(self._may_say_more, within_s=300)

    def _may_say_more(self, page: Page) -> bool:
        """Dead pages do not keep their people waiting."""
        mine = len(page.outbox) < UNSAVED_AT_MOST or page.record.died_at is not None
        return mine and self._unheard() < UNHEARD_AT_MOST

    def _unheard(self) -> int:
        """Messages that nobody has acked in any way; counted rarely, since everybody asks."""
        now = time.monotonic()
        if now - self._counted[0] > COUNT_S:
            outboxes = [seat.tab.page.outbox for seat in self.seats]
            self._counted = (now, sum(one.acked_at is None for box in outboxes for one in box))
        return self._counted[1]

    def _wish(self, random: Random) -> str:
        rare = self.crashes and random.randrange(ONE_IN) == 0
        return RARE if rare else random.choice(COMMON)

    async def settled(self, within_s: float) -> bool:
        """Everybody's messages are saved, answered and shown; False if that took too long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while not all(seat.tab.page.settled for seat in self.seats):  # noqa: ASYNC110
                    await asyncio.sleep(COUNT_S)
                return True
        return False

    def records(self) -> Iterator[Record]:
        """Of tabs that died, too."""
        return (record for seat in self.seats for record in seat.records)

    def seats_in(self, cids: Set[str | None]) -> list[Seat]:
        """Whoever looks at one of these conversations."""
        return [seat for seat in self.seats if seat.tab.page.cid in cids]

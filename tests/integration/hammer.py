"""Many connections, duplicates, lost replies and dying workers against the turn functions.

People say chained messages and offer each of them several times; an invocation is delivered once
or twice, early or late; any reply may be lost, after which the call is made again; some workers
die. `find_faults` then looks at what is in the tables and names everything that must not be.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar

from cj.domain.ids import anonymous_owner_id, new_id
from cj.store import Database

from tests.integration.chatroom import Room, sql

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    from cj.domain.turns import Received

T = TypeVar("T")
LEASE = timedelta(seconds=0.5)  # short: a dead worker's turn is found again within the test
PATIENCE_S = 60.0


@dataclass
class Load:
    """How hard it gets. Every person says `messages` of them, each in its own conversation's room."""

    rooms: int = 12
    people: int = 3  # to a room
    messages: int = 60  # of each person
    connections: int = 16
    lost: float = 0.2  # of the replies
    dying: float = 0.02  # of the workers
    offers: int = 3  # of each message, at most


@dataclass
class Hammer:
    """One run. Everything random comes from the seed, but for the order the server decides."""

    url: str
    seed: int
    load: Load = field(default_factory=Load)
    acked: dict[UUID, list[tuple[UUID, Received]]] = field(default_factory=lambda: defaultdict(list))
    said: dict[UUID, list[list[UUID]]] = field(default_factory=lambda: defaultdict(list))
    calls: int = 0

    async def run(self) -> list[str]:
        """What went wrong; nothing, if all is well."""
        self.random = Random(self.seed)  # noqa: S311 - to be repeated
        free: asyncio.Queue[Database] = asyncio.Queue()
        for _ in range(self.load.connections):
            free.put_nowait(Database(self.url, command_timeout_s=PATIENCE_S))
        self.free, self.workers = free, set[asyncio.Task[None]]()
        rooms = [await self._through(Room(None).furnish_by) for _ in range(self.load.rooms)]
        return rooms

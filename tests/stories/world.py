"""A small world to tell stories in: real stores behind proxies, and every other thing by hand.

Processes are the product's own parts, each with connections of its own. Browsers write down what
they are told. A worker that is woken waits in `events` until the story lets it run.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import asyncpg
from cj.domain.replies import encode
from cj.ephemeral import Callers, Outage
from cj.errors import CJError, ConnectionGone
from cj.flows.turn import TurnEvent
from cj.runtime import App
from cj.settings import Settings
from cj.store import Connections, Database
from redis.asyncio import Redis

from tests.integration.chatroom import session
from tests.proxy import Proxy, through
from tests.stories.tab import Tab

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence

    from cj.agent.store import Store
    from cj.domain.messages import Message
    from cj.domain.replies import Reply

LEASE_S = 20.0
TRY_S = 0.02  # how often somebody may try whether PostgreSQL is back
ORIGIN = "http://127.0.0.1:8000"


class Browsers:
    """What API Gateway does for us: takes frames for connections, and knows who is gone."""

    def __init__(self) -> None:
        self.frames: dict[str, list[Reply]] = {}
        self.gone: set[str] = set()
        self.waiting: list[Callable[[str, Reply], None]] = []

    async def post(self, connection_id: str, frame: Reply) -> None:
        if connection_id in self.gone:
            raise ConnectionGone(connection_id)
        assert len(encode(frame)) < 32 * 1024
        self.frames.setdefault(connection_id, []).append(frame)
        for hook in list(self.waiting):
            hook(connection_id, frame)

    async def broadcast(self, connections: Iterable[str], frame: Reply) -> list[str]:
        gone = []
        for connection_id in connections:
            try:
                await self.post(connection_id, frame)
            except ConnectionGone:
                gone.append(connection_id)
        return gone

    async def close(self, connection_id: str) -> None:
        self.gone.add(connection_id)


class Events:
    """The worker's queue."""

    def __init__(self) -> None:
        self.queued: list[TurnEvent] = []

    async def wake(self, cid: UUID, turn: UUID, fence: int, _correlation_id: str) -> None:
        self.queued.append(TurnEvent(cid, turn, fence))


class Words:
    """A model whose words the story gives: all at once, or one by one through `gate`."""

    name = "told-by-the-story"

    def __init__(self) -> None:
        self.words: Sequence[Any] = ("Hello ", "there.")
        self.gate: asyncio.Semaphore | None = None
        self.windows: list[list[Message]] = []

    async def stream(
        self, window: Sequence[Message], _from_seq: int, _store: Store | None
    ) -> AsyncGenerator[Any, None]:
        self.windows.append(list(window))
        for word in self.words:
            if self.gate is not None:
                await self.gate.acquire()
            if isinstance(word, Exception):
                raise word
            yield word


class Silence:
    """A journal nobody reads: its metrics would meet those of the next test."""

    correlation_id = "story"

    def note(self, **_: object) -> None: ...
    def count(self, *_: object) -> None: ...
    def took(self, *_: object) -> None: ...


@dataclass
class World:
    """Everything there is."""

    database_url: str
    redis_url: str
    superuser_url: str
    postgres: Proxy
    redis: Proxy
    cluster: bool = False
    browsers: Browsers = field(default_factory=Browsers)
    events: Events = field(default_factory=Events)
    words: Words = field(default_factory=Words)
    lease_s: float = LEASE_S
    owner: str = field(default_factory=lambda: f"anon_{uuid4().hex}")
    later_s: float = 0.0
    _processes: list[App] = field(default_factory=list)
    _tabs: int = 0

    def process(self, **settings: object) -> App:
        """A function's process: parts and connections of its own."""
        given = {
            "public_url": ORIGIN,
            "database_url": through(self.database_url, self.postgres),
            # The nodes of a cluster name each other: no proxy stands between.
            "redis_url": self.redis_url if self.cluster else through(self.redis_url, self.redis),
            "redis_cluster": "yes" if self.cluster else "no",
            "turn_lease_s": self.lease_s,
            "limit_messages_per_minute": 100_000,
            "limit_messages_burst": 10_000,
            "limit_conversations_per_hour": 10_000,
            "log_level": "ERROR",
            **settings,
        }
        parts: Any = App(Settings.model_validate(given), "story")
        parts.push, parts.worker, parts.model = self.browsers, self.events, self.words
        parts.journal = Silence()
        parts.db = Database(given["database_url"], command_timeout_s=3, connect_timeout_s=10)
        parts.ephemeral.clock = lambda: time.monotonic() + self.later_s
        parts.outage = Outage(parts.ephemeral, try_s=TRY_S, look_s=0)
        self._processes.append(parts)
        return parts

    async def close(self) -> None:
        for parts in self._processes:
            if "shopify" in vars(parts):  # built because somebody looked into a store
                await parts.shopify.http.aclose()
            with contextlib.suppress(CJError):
                await parts.db.close()
            with contextlib.suppress(Exception):
                await (await parts.ephemeral.connect()).aclose()

    async def tab(self, owner: str | None = None, cid: UUID | None = None) -> Tab:
        """A browser's tab that has a session and a socket, and looks at the conversation."""
        self._tabs += 1
        parts = self.process()
        name = f"tab-{self._tabs}-{uuid4().hex[:8]}"
        tab = Tab(self, parts, name, await session(parts.db, owner or self.owner))
        until = datetime.now(UTC) + timedelta(hours=1)
        caller = await Connections(parts.db).admit(name, tab.token_hash, until)
        assert caller is not None
        await Callers(parts.ephemeral).remember(caller)
        ready = await tab.start(cid)
        tab.cid = UUID(ready["cid"])
        return tab

    async def work(self, **settings: object) -> None:
        """Every worker that was woken, and whom they wake, one after the other."""
        while self.events.queued:
            await self.turn(self.events.queued.pop(0), **settings)

    async def turn(self, event: TurnEvent, **settings: object) -> None:
        """One delivery of one event, in a process of its own."""
        await self.process(**settings).turns.run(event, 60)

    async def turn_speaks(
        self, event: TurnEvent, first_words: int = 1, **settings: object
    ) -> asyncio.Task[None]:
        """A turn that has begun and said its first words, and waits for more to say."""
        self.words.gate, read = asyncio.Semaphore(first_words), len(self.words.windows)
        self._running = asyncio.create_task(self.turn(event, **settings))
        async with asyncio.timeout(20):
            while len(self.words.windows) == read or not self.words.gate.locked():
                assert not self._running.done(), "the turn was over before it spoke"
                await asyncio.sleep(0.002)
        return self._running

    async def turn_until_its_end(self, event: TurnEvent) -> asyncio.Task[None]:
        """A turn that has said everything but its last word."""
        return await self.turn_speaks(event, len(self.words.words) - 1)

    async def let_it_speak(self, words: int) -> None:
        """So many more words."""
        assert self.words.gate is not None
        for _ in range(words):
            self.words.gate.release()

    async def let_it_end(self) -> None:
        """The turn that waits says the rest and ends."""
        await self.let_it_speak(len(self.words.words))
        await self._running

    async def kill(self, running: asyncio.Task[None]) -> None:
        """A process that is gone: it does nothing more."""
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running

    async def outage_is_over(self) -> None:
        """PostgreSQL is back, and somebody may try."""
        await self.postgres.normal()
        await asyncio.sleep(2 * TRY_S)

    async def redis_is_back(self) -> None:
        """And it has been left alone for long enough."""
        await self.redis.normal()
        self.later_s += 60

    async def flush(self) -> None:
        """Redis loses everything it has."""
        client = Redis.from_url(self.redis_url)
        await client.flushall()
        await client.aclose()

    async def as_superuser(self, statement: str) -> None:
        connection = await asyncpg.connect(self.superuser_url)
        await connection.execute(statement)
        await connection.close()

    async def as_superuser_here(self, statement: str) -> None:
        """In the story's own database."""
        name = self.database_url.rsplit("/", 1)[1].partition("?")[0]
        connection = await asyncpg.connect(self.superuser_url, database=name)
        await connection.execute(statement)
        await connection.close()

    @contextlib.asynccontextmanager
    async def holding_the_lock(self, cid: UUID) -> AsyncIterator[None]:
        """Somebody else's transaction has the conversation's row."""
        connection = await asyncpg.connect(self.database_url)
        async with connection.transaction():
            await connection.execute("SELECT FROM conversations WHERE id = $1 FOR UPDATE", cid)
            yield
        await connection.close()

    async def rows(self, cid: UUID) -> list[asyncpg.Record]:
        """What is in PostgreSQL, whatever stands before it."""
        return await self.sql("SELECT * FROM messages WHERE conversation_id = $1 ORDER BY seq", cid)

    async def sql(self, statement: str, *args: object) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.database_url)
        try:
            return list(await connection.fetch(statement, *args))
        finally:
            await connection.close()

    async def furnish(self, cid: UUID, rows: int, chars: int) -> None:
        """A conversation with a past: so many rows that wait for nothing."""
        await self.sql(
            "INSERT INTO messages (conversation_id, seq, id, role, text) "
            "SELECT $1, n, gen_random_uuid(), 'assistant', repeat('x', $3) "
            "FROM generate_series(1, $2::int) n",
            *(cid, rows, chars),
        )
        await self.sql("UPDATE conversations SET last_seq = $2 WHERE id = $1", cid, rows)

    async def lease_runs_out(self, cid: UUID) -> None:
        """Twenty seconds later."""
        await self.sql(
            "UPDATE conversations SET turn_until = clock_timestamp() - interval '1 s' "
            "WHERE id = $1 AND turn_id IS NOT NULL",
            cid,
        )

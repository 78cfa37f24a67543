"""What PostgreSQL has not seen: said and answered while it was away, in order, until drained.

Unlike everything else here it has no TTL. Two steps touch two nodes of a cluster: the index is
written before the buffer, and whoever starts a buffer writes it once more afterwards, for a drain
that found the buffer empty may have taken the conversation out of the index in between.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from uuid import UUID

from cj.domain.entries import Entry
from cj.ephemeral import buffer_scripts as scripts
from cj.ephemeral.recent import read_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cj.domain.messages import Message
    from cj.ephemeral.client import Ephemeral

SHARDS = 4
MOST_ENTRIES = 500
TAKES_S = 3600
QUARANTINE_S = 7 * 24 * 3600
DEGRADED_GEN = 1  # every attempt is a turn of its own

SayOutcome: TypeAlias = Literal[
    "new", "dup", "id_conflict", "out_of_order", "overloaded", "not_open", "not_found"
]


@dataclass(frozen=True, slots=True)
class Said:
    """What became of an input. New and dup carry message_id and created_at, and a dup that
    PostgreSQL has its seq. Whatever the outcome: with `wake` somebody has to be woken.
    """

    outcome: SayOutcome
    message_id: UUID | None
    seq: int | None
    created_at: datetime | None
    wake: bool


@dataclass(frozen=True, slots=True)
class Work:
    """What a turn has to go by: the cached rows, then what PostgreSQL has not seen.

    `attempts` counts the turns that began since the last answer.
    """

    owner_id: str
    workflow: str
    messages: list[Message]
    entries: list[Entry]
    attempts: int


@dataclass(frozen=True, slots=True)
class Finished:
    """Not `stored`: somebody else has the turn or has answered. `more`: wake somebody."""

    stored: bool
    more: bool


@dataclass(frozen=True, slots=True)
class Pending:
    """A buffer, by stream id; None stands for what cannot be decoded.

    `speaking`: a turn that PostgreSQL knows nothing of is on. `mark` goes back into `drained`.
    """

    entries: Sequence[tuple[str, Entry | None]]
    speaking: bool
    mark: int | None


@dataclass(frozen=True, slots=True)
class Held:
    """The turn whose worker has the lease."""

    turn: UUID
    gen: int


def fresh_mark() -> int:
    """Never the same twice, roughly in the order of time; exact as a double."""
    return int(time.time()) << 21 | secrets.randbits(21)


@dataclass(frozen=True, slots=True)
class Buffer:
    """The buffers of conversations. Raises EphemeralUnavailable where Redis gives no answer."""

    redis: Ephemeral
    cache_s: int = 3600  # what is cached of a conversation stays that long after it went on
    next_mark: Callable[[], int] = fresh_mark

    async def say(
        self, cid: UUID, owner_id: str, entry: Entry, prev: UUID | None, max_waiting: int
    ) -> Said:
        """Keeps an input, once, behind everything that is there."""
        digest = hashlib.sha256(entry.text.encode()).hexdigest()[:32]
        mark = await self._index(cid)
        outcome, message_id, seq, at, wake, entries = await self._run(
            scripts.SAY,
            _keys(cid, "buf", "ids", "conv", "msgs", "lease"),
            owner_id,
            str(entry.client_id),
            str(entry.id),
            digest,
            entry.at.isoformat(),
            json.dumps(entry.to_json()),
            str(prev or ""),
            max_waiting,
            MOST_ENTRIES,
            self.cache_s,
        )
        await self._settle_index(cid, mark, entries)
        return Said(
            outcome,
            UUID(message_id) if message_id else None,
            int(seq) if seq else None,
            datetime.fromisoformat(at).astimezone(UTC) if at else None,
            bool(wake),
        )

    async def take(self, cid: UUID, token: str, lease_s: float) -> Work | None:
        """Begins a turn that PostgreSQL knows nothing of; None: somebody is at it, or there is
        nothing to go by.
        """
        keys = _keys(cid, "buf", "ids", "conv", "msgs", "lease", "takes")
        found = await self._run(scripts.TAKE, keys, f"d:{token}", _ms(lease_s), TAKES_S)
        if found is None:
            return None
        owner_id, workflow, rows, stream, attempts = found
        return Work(
            owner_id,
            workflow,
            read_rows(rows) or [],
            [entry for _, entry in map(_decoded, stream) if entry is not None],
            attempts,
        )

    async def hold(self, cid: UUID, token: str, lease_s: float) -> bool:
        """Renews the lease; False: it is not ours any more."""
        return bool(await self._run(scripts.HOLD, _keys(cid, "lease"), token, _ms(lease_s)))

    async def finish(self, cid: UUID, token: str, entry: Entry) -> Finished:
        """Keeps the answer and gives the lease back. Again: the same."""
        mark = await self._index(cid)
        stored, more, entries = await self._run(
            scripts.FINISH,
            _keys(cid, "buf", "ids", "conv", "msgs", "lease", "takes", "gone"),
            token,
            str(entry.id),
            json.dumps(entry.to_json()),
            self.cache_s,
            *map(str, entry.answers),
        )
        await self._settle_index(cid, mark, entries)
        return Finished(bool(stored), bool(more))

    async def release(self, cid: UUID, token: str, *, idle: bool = False) -> bool:
        """Gives the lease back without an answer; True: inputs wait, wake somebody.

        Idle: there was nothing to answer, so that it was no attempt either.
        """
        keys = _keys(cid, "lease", "ids", "takes")
        return bool(await self._run(scripts.RELEASE, keys, token, int(idle)))

    async def owner(self, cid: UUID) -> str | None:
        """Whose conversation it is, as far as Redis knows."""
        found: str | None = await self._run(scripts.OWNER, _keys(cid, "conv", "ids"))
        return found or None

    async def claim(self, cid: UUID, token: str, lease_s: float) -> None:
        """A turn of PostgreSQL's takes the lease too, whoever has it. Never raises."""
        (lease,) = _keys(cid, "lease")
        await self.redis.do("SET", lease, f"n:{token}", "PX", _ms(lease_s))

    async def holder(self, cid: UUID) -> Held | None:
        """The turn that has the lease; None: nobody has it, or Redis cannot say."""
        (lease,) = _keys(cid, "lease")
        held = await self.redis.do("GET", lease)
        if not held:
            return None
        _, turn, *gen = held.split(":")
        return Held(UUID(turn), int(gen[0]) if gen else DEGRADED_GEN)

    async def pending(self, cid: UUID) -> Pending | None:
        """Everything that is to be drained; None: nothing."""
        (stream, lease), mark = await asyncio.gather(
            self._read(cid),
            self.redis.ask("ZSCORE", shard(cid), str(cid)),
        )
        if not stream:
            # The mark may be that of an entry which came since: only what is empty after the
            # mark was read is out of the index.
            if mark is not None and not (await self._read(cid))[0]:
                await self._unindex(cid, int(mark))
            return None
        speaking = (lease or "").startswith("d:")
        return Pending(
            [_decoded(item) for item in stream], speaking, None if mark is None else int(mark)
        )

    async def drained(
        self, cid: UUID, stream_ids: Sequence[str], client_ids: Sequence[UUID], mark: int | None
    ) -> int:
        """After COMMIT: these are PostgreSQL's now. Gives how many are left."""
        drained = (*stream_ids, *map(str, client_ids))
        left = await self._run(scripts.DRAINED, _keys(cid, "buf", "ids"), len(stream_ids), *drained)
        if not left and mark is not None:
            await self._unindex(cid, mark)
        return int(left)

    async def quarantine(self, cid: UUID, stream_ids: Sequence[str]) -> None:
        """Puts entries aside that nobody can read, for a person to look at."""
        keys = _keys(cid, "buf", "ids", "quarantine")
        await self._run(scripts.QUARANTINE, keys, MOST_ENTRIES, QUARANTINE_S, *stream_ids)

    async def indexed(self, limit: int) -> list[UUID]:
        """Conversations that may have a buffer, the ones that wait longest first."""
        shards = await asyncio.gather(
            *(
                self.redis.ask("ZRANGE", f"buffered:{n}", 0, limit - 1, "WITHSCORES")
                for n in range(SHARDS)
            )
        )
        found = sorted((score, cid) for shard in shards for cid, score in shard)
        return [UUID(cid) for _, cid in found[:limit]]

    async def unsaved(self, cid: UUID) -> list[Entry]:
        """What was accepted and is not in PostgreSQL yet, in order."""
        stream, _ = await self._read(cid)
        return [entry for _, entry in map(_decoded, stream) if entry is not None]

    async def _run(self, script: str, keys: Sequence[str], *args: Any) -> Any:
        return await self.redis.ask("EVAL", script, len(keys), *keys, *args)

    async def _read(self, cid: UUID) -> tuple[list[Any], str | None]:
        stream, lease = await self._run(scripts.READ, _keys(cid, "buf", "lease"))
        return stream, lease

    async def _index(self, cid: UUID) -> int:
        mark = self.next_mark()
        await self.redis.ask("ZADD", shard(cid), mark, str(cid))
        return mark

    async def _settle_index(self, cid: UUID, mark: int, entries: int) -> None:
        """One entry: it may be the one that started the buffer."""
        if entries == 0:
            await self._unindex(cid, mark)
        elif entries == 1:
            await self._index(cid)

    async def _unindex(self, cid: UUID, mark: int) -> None:
        await self._run(scripts.UNINDEX, (shard(cid),), str(cid), mark)


def _keys(cid: UUID, *names: str) -> tuple[str, ...]:
    return tuple(f"{{{cid}}}:{name}" for name in names)


def shard(cid: UUID) -> str:
    """Where the index has it."""
    return f"buffered:{cid.int % SHARDS}"


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))


def _decoded(item: tuple[str, list[str]]) -> tuple[str, Entry | None]:
    stream_id, fields = item
    try:
        values = dict(zip(fields[::2], fields[1::2], strict=True))
        return stream_id, Entry.from_json(json.loads(values["e"]))
    except (ValueError, KeyError, RecursionError):
        return stream_id, None

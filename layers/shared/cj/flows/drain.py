"""PostgreSQL is back: what was said meanwhile goes there, in order, before anything newer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from cj.domain import replies
from cj.domain.ids import new_id
from cj.errors import EphemeralUnavailable, StoreError, StoreRejected, StoreUnavailable
from cj.logs import log_of

if TYPE_CHECKING:
    from uuid import UUID

    from cj.domain.entries import Entry
    from cj.domain.turns import Drained
    from cj.ephemeral import Buffer, Live, Outage, Pending, Recent
    from cj.flows.outreach import Outreach
    from cj.store import Turns

log = log_of(__name__)
BATCH = 500  # a whole buffer: an answer comes with what it answers


@dataclass(frozen=True, slots=True)
class Drain:
    """Whoever touches a conversation first drains it. No lock is held across Redis: a crash in
    between replays, and PostgreSQL's unique keys absorb it.
    """

    store: Turns
    buffer: Buffer
    recent: Recent
    live: Live
    outage: Outage
    outreach: Outreach
    lease_s: float

    async def run(
        self, cid: UUID, owner_id: str | None = None
    ) -> Literal["empty", "speaking", "drained"]:
        """Nothing newer may be written before this returned empty or drained.

        With `owner_id` somebody else's buffer is none: it is not looked at, nor told of.
        Speaking: a turn that PostgreSQL does not know is on; the buffer is drained after it.
        Raises StoreError; without Redis nothing is known of a buffer, and nothing is done.
        """
        found = False
        try:
            while (pending := await self.buffer.pending(cid)) is not None:
                if owner_id is not None and await self.buffer.owner(cid) != owner_id:
                    return "empty"
                if pending.speaking:
                    return "speaking"
                found = True
                if not await self._drain(cid, pending):
                    break
        except EphemeralUnavailable:
            log.warning("buffer not read: Redis is away")
        return "drained" if found else "empty"

    async def settle(self, cid: UUID) -> None:
        """Drain if it can be done now; if not, somebody else does. Never raises."""
        try:
            await self.run(cid)
        except StoreError as error:
            if isinstance(error, StoreUnavailable):
                await self.outage.happened()
            log.warning("not drained yet", extra={"code": error.code})

    async def _drain(self, cid: UUID, pending: Pending) -> bool:
        """The oldest entries; False when none is left."""
        bad = [stream_id for stream_id, entry in pending.entries if entry is None]
        if bad:
            await self._quarantine(cid, bad)
        batch = [(at, entry) for at, entry in pending.entries if entry is not None][:BATCH]
        try:
            return await self._save(cid, batch, pending.mark)
        except StoreRejected:
            if len(batch) == 1:
                await self._quarantine(cid, [batch[0][0]])
                return await self._save(cid, [], pending.mark)
        return await self._drain(cid, replace(pending, entries=batch[: len(batch) // 2]))

    async def _save(self, cid: UUID, batch: list[tuple[str, Entry]], mark: int | None) -> bool:
        """These are PostgreSQL's now; False when none is left. Raises StoreRejected."""
        drained = await self._commit(cid, [entry for _, entry in batch]) if batch else None
        stream_ids = [stream_id for stream_id, _ in batch]
        if batch and drained is None:
            log.error("a buffer without a conversation", extra={"cid": str(cid)})
            await self._quarantine(cid, stream_ids)
            stream_ids = []
        client_ids = [entry.client_id for _, entry in batch if entry.client_id is not None]
        left = await self.buffer.drained(cid, stream_ids, client_ids, mark)
        if drained is not None:
            await self._tell(cid, drained)
        return left > 0

    async def _commit(self, cid: UUID, entries: list[Entry]) -> Drained | None:
        """Returns after COMMIT; None: there is no such conversation."""
        lease = timedelta(seconds=self.lease_s)
        stored = [entry.to_json() for entry in entries]
        drained = await self.store.drain(cid, stored, turn=new_id(), lease=lease)
        if drained is not None:
            self.outreach.journal.count("MessagesDrained", len(entries))
            log.info("drained", extra={"entries": len(entries), "last_seq": drained.last_seq})
        return drained

    async def _tell(self, cid: UUID, drained: Drained) -> None:
        """Redis has the rows, the browsers their numbers, and a worker what is not answered."""
        await self.recent.keep(cid, drained.owner_id, drained.workflow, drained.messages)
        watchers = {*drained.connections, *await self.live.watchers(cid)}
        frames = [
            replies.committed(
                str(cid),
                str(row.id),
                row.seq,
                client_id=str(row.client_id) if row.client_id else None,
                replaced=row.replaced,
            )
            for row in drained.rows
        ]
        await self.outreach.tell(watchers, *frames)
        await self.outreach.settle(cid, drained)

    async def _quarantine(self, cid: UUID, stream_ids: list[str]) -> None:
        """Kept aside for a person to look at; the rest goes on."""
        log.error("buffer entries quarantined", extra={"cid": str(cid), "entries": len(stream_ids)})
        self.outreach.journal.count("EntriesQuarantined", len(stream_ids))
        await self.buffer.quarantine(cid, stream_ids)

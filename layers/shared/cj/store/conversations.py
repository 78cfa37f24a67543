"""Conversations as their owner sees them. A foreign id and a missing one get the same answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import MAXYEAR, UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from cj.domain.messages import Summary, Transcript, message_from_json
from cj.domain.turns import Opened
from cj.store.queries import named

if TYPE_CHECKING:
    from datetime import timedelta

    from cj.store.database import Database, Row

PAGE = 200  # the most messages one answer holds
_NEWEST = (datetime(MAXYEAR, 1, 1, tzinfo=UTC), UUID(int=0))


@dataclass(frozen=True, slots=True)
class Conversations:
    """Opening, listing and reading."""

    db: Database

    async def open(
        self,
        owner_id: str,
        cid: UUID | None,
        *,
        connection_id: str | None,
        new_id: UUID,
        workflow: str,
        tail: int,
        after_seq: int | None = None,
        known: int | None = None,
        next_turn: UUID | None = None,
        lease: timedelta | None = None,
    ) -> Opened | None:
        """Subscribes the connection, then reads: whatever CJ says next is read or pushed.

        Without `cid`: the owner's still empty conversation, else a new one with `new_id`. Reads
        the last `tail` messages, or those after `after_seq`; none if the caller has all of the
        tail up to `known` already. With `lease` and `next_turn` a dead turn found on the way is
        handed out again: see Opened.invoke.
        """
        row = await self.db.row(
            named("open_conversation"),
            *(owner_id, cid, connection_id, new_id, workflow),
            *(min(tail, PAGE), after_seq, known, PAGE, next_turn, lease),
        )
        return None if row is None else _opened(row)

    async def silent(self, owner_id: str) -> UUID | None:
        """The owner's newest conversation in which nothing was said yet."""
        row = await self.db.row(named("silent_conversation"), owner_id)
        return None if row is None else row["id"]

    async def list(
        self, owner_id: str, *, limit: int, before: tuple[datetime, UUID] | None = None
    ) -> list[Summary]:
        """Those in which something was said, newest first, from behind `before` on."""
        moment, cid = before or _NEWEST
        rows = await self.db.rows(named("list_conversations"), owner_id, moment, cid, limit)
        return [
            Summary(
                id=row["id"],
                title=row["title"],
                preview=row["preview"],
                updated_at=row["updated_at"],
                message_count=row["message_count"],
            )
            for row in rows
        ]

    async def read(
        self, owner_id: str, cid: UUID, *, after_seq: int = 0, limit: int = 50
    ) -> Transcript | None:
        """A page of the messages after `after_seq`, oldest first."""
        query, limit = named("read_conversation"), min(limit, PAGE)
        row = await self.db.row(query, owner_id, cid, after_seq, limit)
        if row is None:
            return None
        return Transcript(
            id=row["id"],
            workflow=row["workflow_name"],
            title=row["title"],
            started_at=row["started_at"],
            ended_at=row["ended_at"],
            last_seq=row["last_seq"],
            messages=[message_from_json(stored) for stored in row["page"]],
            more=row["last_seq"] > after_seq + limit,
        )


def _opened(row: Row) -> Opened:
    page = row["o_messages"]
    return Opened(
        cid=row["o_id"],
        workflow=row["o_workflow_name"],
        title=row["o_title"],
        last_seq=row["o_last_seq"],
        messages=None if page is None else [message_from_json(stored) for stored in page],
        more=row["o_more"],
        connections=tuple(row["o_connections"]),
        turn=row["o_turn"],
        fence=row["o_fence"],
        invoke=row["o_invoke"],
        ended=row["o_ended"] and message_from_json(row["o_ended"]),
        shop=row["shop"],
    )

"""A conversation to play with: short names for what the turn functions are asked in tests."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cj.domain.entries import Entry
from cj.domain.ids import anonymous_owner_id, new_id
from cj.store import Connections, Conversations, Sessions, Turns

from tests.integration.statements import sql

if TYPE_CHECKING:
    from uuid import UUID

    from cj.domain.turns import Begun, Drained, Ended, Opened, Received, Renewed
    from cj.store import Database

LEASE = timedelta(seconds=20)
RAN_OUT = timedelta(seconds=-1)  # a lease that is over when it begins: nobody has to wait
_hashes = itertools.count()


async def session(db: Database, owner: str, *, lasts: timedelta = timedelta(days=1)) -> str:
    """The token hash of a new session."""
    token_hash = f"{next(_hashes):064x}"
    await Sessions(db).create(token_hash, owner, datetime.now(UTC) + lasts)
    return token_hash


async def connection(db: Database, owner: str, name: str, cid: UUID | None = None) -> str:
    """A connection that looks at a conversation."""
    until = datetime.now(UTC) + timedelta(hours=1)
    await Connections(db).admit(name, await session(db, owner), until)
    look = sql("UPDATE ws_connections SET conversation_id = $2 WHERE connection_id = $1")
    await db.execute(look, name, cid)
    return name


def said(text: str = "Said", client: UUID | None = None, **more: Any) -> Entry:
    """An input that was kept while PostgreSQL was away."""
    asked = {"id": new_id(), "at": datetime.now(UTC), **more}
    return Entry("input", client_id=client or new_id(), text=text, **asked)


def answered(*inputs: Entry | UUID, text: str = "Answered", **more: Any) -> Entry:
    """CJ's answer to them, kept like them."""
    asked = {"id": new_id(), "turn": new_id(), "at": datetime.now(UTC), **more}
    names = tuple(each.client_id if isinstance(each, Entry) else each for each in inputs)
    return Entry("answer", client_id=None, text=text, answers=names, **asked)


@dataclass
class Room:
    """One conversation seen through one connection."""

    db: Database
    cid: UUID = field(default_factory=new_id)
    owner: str = field(default_factory=anonymous_owner_id)

    async def furnish(self) -> Room:
        insert = sql("INSERT INTO conversations (id, owner_id, workflow_name) VALUES ($1, $2, 'w')")
        await self.db.execute(insert, self.cid, self.owner)
        return self

    def seen_by(self, db: Database) -> Room:
        """The same conversation through another connection."""
        return Room(db, self.cid, self.owner)

    async def say(
        self, text: str | None = "Hello", client: UUID | None = None, **more: Any
    ) -> Received:
        asked = {
            "message_id": new_id(),
            "client_id": client or new_id(),
            "prev": None,
            "text": text,
            "turn": new_id(),
            "lease": LEASE,
            "max_waiting": 5,
        }
        return await Turns(self.db).receive(self.cid, self.owner, **{**asked, **more})

    async def begin(self, woken: Any, **more: Any) -> Begun | None:
        """A worker woken by what a receive, an open or an end said."""
        asked = {"worker": new_id(), "lease": LEASE, "window": 40}
        turn = getattr(woken, "next_turn", None) or woken.turn
        return await Turns(self.db).begin(self.cid, turn, woken.fence, **{**asked, **more})

    async def renew(self, woken: Any, begun: Begun, **more: Any) -> Renewed | None:
        asked = {"lease": LEASE, **more}
        return await Turns(self.db).renew(self.cid, woken.turn, begun.fence, **asked)

    async def end(self, woken: Any, begun: Begun, text: str = "Hi", **more: Any) -> Ended | None:
        asked = {"answer": new_id(), "status": "complete", "next_turn": new_id(), "lease": LEASE}
        turn = getattr(woken, "next_turn", None) or woken.turn
        return await Turns(self.db).end(
            self.cid, turn, begun.fence, **{**asked, "text": text, **more}
        )

    async def stop(self, turn: UUID) -> str | None:
        return await Turns(self.db).stop(self.cid, self.owner, turn)

    async def drain(self, *entries: Entry, **more: Any) -> Drained | None:
        """What was kept while PostgreSQL was away."""
        asked = {"turn": new_id(), "lease": LEASE, **more}
        return await Turns(self.db).drain(self.cid, [e.to_json() for e in entries], **asked)

    async def exchange(self, text: str = "Hello", answer: str = "Hi") -> Ended:
        """Something said and answered."""
        received = await self.say(text)
        begun = await self.begin(received)
        ended = await self.end(received, begun, answer)
        assert ended is not None
        return ended

    async def open(self, connection_id: str | None = None, **more: Any) -> Opened | None:
        asked = {"new_id": new_id(), "workflow": "w", "tail": 15, "next_turn": new_id()}
        return await Conversations(self.db).open(
            self.owner, self.cid, connection_id=connection_id, **{**asked, "lease": LEASE, **more}
        )

    async def watched_by(self, name: str) -> str:
        return await connection(self.db, self.owner, name, self.cid)

    async def row(self) -> dict[str, Any]:
        """The conversation itself."""
        found = await self.db.row(sql("SELECT * FROM conversations WHERE id = $1"), self.cid)
        return dict(found)

    async def rows(self) -> list[dict[str, Any]]:
        """Its messages that are not archived."""
        query = sql("SELECT * FROM messages WHERE conversation_id = $1 ORDER BY seq")
        return [dict(row) for row in await self.db.rows(query, self.cid)]

    async def set(self, assignment: str) -> None:
        await self.db.execute(sql(f"UPDATE conversations SET {assignment} WHERE id = $1"), self.cid)

    async def archive(self) -> None:
        """Moves every row into the archive, as the archiver does."""
        move = sql(
            "WITH moved AS (DELETE FROM messages WHERE conversation_id = $1 RETURNING *) "
            "UPDATE conversations SET archived_through_seq = last_seq, "
            "ended_at = clock_timestamp(), messages = coalesce(messages, '[]') || "
            "(SELECT jsonb_agg(chat_archived_v1(moved::messages) ORDER BY seq) FROM moved) "
            "WHERE id = $1"
        )
        await self.db.execute(move, self.cid)

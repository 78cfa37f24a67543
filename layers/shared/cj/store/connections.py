"""The sockets that are open, and who speaks on each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cj.domain.turns import Caller
from cj.store.queries import named

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from cj.store.database import Database, Row


@dataclass(frozen=True, slots=True)
class Connections:
    """WebSocket connections by API Gateway's id."""

    db: Database

    async def admit(
        self,
        connection_id: str,
        token_hash: str,
        expires_at: datetime,
        conversation_id: UUID | None = None,
    ) -> Caller | None:
        """Remembers the connection if the session is live; None: it is not.

        It looks at `conversation_id` from now on, if that is the session's owner's; else at none.
        """
        query = named("admit_connection")
        row = await self.db.row(query, connection_id, token_hash, expires_at, conversation_id)
        return None if row is None else _caller(row)

    async def caller(self, connection_id: str) -> Caller | None:
        """Who speaks there, looked up with the live session; None: nobody any more."""
        row = await self.db.row(named("find_caller"), connection_id)
        return None if row is None else _caller(row)

    async def forget(self, connection_id: str) -> UUID | None:
        """The connection is gone. Returns the conversation it looked at."""
        row = await self.db.row(named("forget_connection"), connection_id)
        return None if row is None else row["conversation_id"]


def _caller(row: Row) -> Caller:
    return Caller(
        connection_id=row["connection_id"],
        owner_id=row["owner_id"],
        user_id=row["user_id"],
        token_hash=row["token_hash"],
        conversation_id=row["conversation_id"],
    )

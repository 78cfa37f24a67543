"""Web sessions: who a cookie stands for. Only the cookie's hash is known here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cj.domain.turns import Session
from cj.store.queries import named

if TYPE_CHECKING:
    from datetime import datetime

    from cj.store.database import Database, Row


@dataclass(frozen=True, slots=True)
class Sessions:
    """Sessions by the hash of their token."""

    db: Database

    async def create(
        self, token_hash: str, owner_id: str, expires_at: datetime, *, user_id: str | None = None
    ) -> Session:
        """A new session, stored. Raises ValueError if the hash is another owner's."""
        query = named("create_session")
        row = await self.db.row(query, token_hash, owner_id, user_id, expires_at)
        if row is None:
            raise ValueError("a token hash is used once")
        return _session(row)

    async def find(self, token_hash: str) -> Session | None:
        """The session while it is live."""
        row = await self.db.row(named("find_session"), token_hash)
        return None if row is None else _session(row)

    async def revoke(self, token_hash: str) -> tuple[str, ...]:
        """Ends the session for good. Returns its connections: the caller closes them."""
        rows = await self.db.rows(named("revoke_session"), token_hash)
        return tuple(row["connection_id"] for row in rows)


def _session(row: Row) -> Session:
    return Session(
        token_hash=row["token_hash"],
        owner_id=row["owner_id"],
        user_id=row["user_id"],
        shop_domain=row["shop_domain"],
        expires_at=row["expires_at"],
    )

"""Conversations to look back at. What is archived and what is not read the same."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from cj.errors import BadCursor, NotFound

if TYPE_CHECKING:
    from cj.store import Conversations


@dataclass(frozen=True, slots=True)
class History:
    """An owner's own conversations and nobody else's."""

    conversations: Conversations

    async def list(self, owner_id: str, limit: int, cursor: str | None) -> dict[str, Any]:
        """The newest first; `next` is the cursor of the page after, or null."""
        before = read_cursor(cursor) if cursor else None
        found = await self.conversations.list(owner_id, limit=limit + 1, before=before)
        page = found[:limit]
        more = len(found) > limit
        return {
            "conversations": [
                {
                    "id": str(c.id),
                    "title": c.title,
                    "preview": c.preview,
                    "updated_at": c.updated_at.isoformat(),
                    "message_count": c.message_count,
                }
                for c in page
            ],
            "next": make_cursor(page[-1].updated_at, page[-1].id) if more else None,
        }

    async def read(self, owner_id: str, cid: UUID, after_seq: int, limit: int) -> dict[str, Any]:
        """One conversation with its messages after `after_seq`. Raises NotFound."""
        found = await self.conversations.read(owner_id, cid, after_seq=after_seq, limit=limit)
        if found is None:
            raise NotFound
        return {
            "id": str(found.id),
            "workflow": found.workflow,
            "title": found.title,
            "started_at": found.started_at.isoformat(),
            "ended_at": found.ended_at.isoformat() if found.ended_at else None,
            "last_seq": found.last_seq,
            "messages": [message.public() for message in found.messages],
            "more": found.more,
        }


def make_cursor(updated_at: datetime, cid: UUID) -> str:
    """Where a page ended. It says nothing a caller may not know and grants nothing."""
    return base64.urlsafe_b64encode(f"{updated_at.isoformat()}|{cid}".encode()).decode()


def read_cursor(cursor: str) -> tuple[datetime, UUID]:
    """Raises BadCursor for anything make_cursor did not make."""
    try:
        moment, _, cid = base64.urlsafe_b64decode(cursor.encode()).decode().partition("|")
        updated_at = datetime.fromisoformat(moment)
        if updated_at.tzinfo is None:
            raise BadCursor
        return updated_at.astimezone(UTC), UUID(cid)
    except (ValueError, OverflowError):
        raise BadCursor from None

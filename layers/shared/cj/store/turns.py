"""The turns: inputs become durable, a worker takes the turn, its answer becomes durable.

Each method is one round trip and may be repeated when its reply was lost. The rules live in the
database, in migrations/0005_turns.sql.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from cj.domain.messages import message_from_json, title_of
from cj.domain.turns import Begun, Ended, Received, Renewed
from cj.store.queries import named

if TYPE_CHECKING:
    from datetime import timedelta
    from uuid import UUID

    from cj.domain.turns import Control, Status
    from cj.store.database import Database


class Told(TypedDict, total=False):
    """What is known of how an answer was made. Without `content` its text is its one block."""

    content: dict[str, Any] | None
    model: str | None
    input_tokens: int | None
    output_tokens: int | None
    cache_tokens: int | None
    latency_ms: int | None
    ttft_ms: int | None
    sources: Any
    ui: Any


@dataclass(frozen=True, slots=True)
class Turns:
    """Receive asks for the owner; a worker's writes are keyed by turn and fence alone."""

    db: Database

    async def receive(
        self,
        cid: UUID,
        owner_id: str,
        *,
        message_id: UUID,
        client_id: UUID,
        prev: UUID | None,
        text: str,
        turn: UUID,
        lease: timedelta,
        max_waiting: int,
        control: Control | None = None,
        supersedes_from: int | None = None,
    ) -> Received:
        """Returns after COMMIT; the caller may then ack. The same `client_id` again is a dup."""
        row = await self.db.row(
            named("receive"),
            *(cid, owner_id, message_id, client_id, prev, text, title_of(text), control),
            *(supersedes_from, turn, lease, max_waiting),
        )
        assert row is not None  # noqa: S101 - a function without SETOF gives exactly one
        return Received(
            outcome=row["o_outcome"],
            seq=row["o_seq"],
            message_id=row["o_message_id"],
            created_at=row["o_created_at"],
            turn=row["o_turn"],
            fence=row["o_fence"],
            invoke=row["o_invoke"],
            ended=row["o_ended"] and message_from_json(row["o_ended"]),
            connections=tuple(row["o_connections"] or ()),
        )

    async def begin(
        self,
        cid: UUID,
        turn: UUID,
        fence: int,
        *,
        worker: UUID,
        lease: timedelta,
        window: int,
    ) -> Begun | None:
        """The turn is this worker's and the fence one higher; None: it is somebody else's."""
        row = await self.db.row(named("begin_turn"), cid, turn, fence, worker, lease, window)
        if row is None:
            return None
        return Begun(
            fence=row["o_fence"],
            from_seq=row["o_from"],
            through_seq=row["o_through"],
            last_seq=row["o_last_seq"],
            owner_id=row["o_owner_id"],
            user_id=row["o_user_id"],
            merchant_id=row["o_merchant_id"],
            workflow=row["o_workflow_name"],
            connections=tuple(row["o_connections"]),
            window=[message_from_json(stored) for stored in row["o_window"]],
        )

    async def renew(self, cid: UUID, turn: UUID, fence: int, *, lease: timedelta) -> Renewed | None:
        """The lease goes on; None: the turn is no longer ours, stop working."""
        row = await self.db.row(named("renew_turn"), cid, turn, fence, lease)
        return None if row is None else Renewed(row["o_stop"], tuple(row["o_connections"]))

    async def end(
        self,
        cid: UUID,
        turn: UUID,
        fence: int,
        *,
        answer: UUID,
        text: str,
        status: Status,
        next_turn: UUID,
        lease: timedelta,
        **told: Unpack[Told],
    ) -> Ended | None:
        """Returns after COMMIT; the caller may then tell. None: stale fence, nothing written."""
        row_of_answer = {"id": str(answer), "text": text, "status": status, **told}
        row = await self.db.row(
            named("end_turn"), cid, turn, fence, row_of_answer, next_turn, lease
        )
        if row is None:
            return None
        return Ended(
            seq=row["o_seq"],
            message_id=answer,
            created_at=row["o_created_at"],
            next_turn=row["o_next"],
            fence=row["o_fence"],
            connections=tuple(row["o_connections"]),
        )

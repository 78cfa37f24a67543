"""The turns: inputs become durable, a worker takes the turn, its answer becomes durable.

Each method is one round trip and may be repeated when its reply was lost. The rules live in the
database, in migrations/0005_turns.sql and those after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack
from uuid import UUID

import asyncpg

from cj.domain.ids import new_id
from cj.domain.messages import message_from_json, title_of
from cj.domain.turns import Begun, Drained, Ended, Received, Renewed, Revived, Settled
from cj.errors import StoreRejected
from cj.store.queries import named

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from cj.domain.turns import Control, Status
    from cj.store.database import Database, Row


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
        text: str | None,
        turn: UUID,
        lease: timedelta,
        max_waiting: int,
        of: UUID | None = None,
        control: Control | None = None,
        supersedes_from: int | None = None,
    ) -> Received:
        """Returns after COMMIT; the caller may then ack. The same `client_id` again is a dup.

        With `of` it is a retry: with no text of a message of CJ's, with text of an own one.
        """
        title = title_of(text or "")
        row = await self.db.row(
            named("receive"),
            *(cid, owner_id, message_id, client_id, prev, text, title, of, control),
            *(supersedes_from, turn, lease, max_waiting),
        )
        assert row is not None  # noqa: S101 - a function without SETOF gives exactly one
        return _received(row)

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
            inputs=tuple(row["o_inputs"]),
            stop=row["o_stop"],
            shop=row["o_shop"],
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

    async def stop(
        self, cid: UUID, owner_id: str, turn: UUID
    ) -> Literal["stopping", "over"] | None:
        """The turn's worker is told at its begin or next renewal; None: not the owner's."""
        row = await self.db.row(named("stop_turn"), cid, owner_id, turn)
        found: Literal["stopping", "over"] | None = None if row is None else row["found"]
        return found

    async def drain(
        self, cid: UUID, entries: Sequence[dict[str, Any]], turn: UUID, lease: timedelta
    ) -> Drained | None:
        """Entries kept outside, in their order, as Entry.to_json gives them; `turn` is for what
        they leave unanswered. Returns after COMMIT; the caller may then delete them there.
        None: there is no such conversation. Raises StoreRejected where one of them is no row.
        """
        titled = [{**entry, "title": title_of(entry["text"])} for entry in entries]
        try:
            row = await self.db.row(named("drain"), cid, titled, turn, lease)
        except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
            raise StoreRejected(type(error).__name__) from error
        if row is None:
            return None
        return Drained(
            rows=[_settled(told) for told in row["o_rows"]],
            messages=[message_from_json(stored) for stored in row["o_messages"]],
            owner_id=row["o_owner_id"],
            workflow=row["o_workflow_name"],
            last_seq=row["o_last_seq"],
            turn=row["o_turn"],
            fence=row["o_fence"],
            invoke=row["o_invoke"],
            ended=row["o_ended"] and message_from_json(row["o_ended"]),
            connections=tuple(row["o_connections"]),
        )

    async def dead(self, limit: int, lease: timedelta) -> list[Revived]:
        """At most `limit` turns whose lease ran out; fewer: there is none left, or somebody else
        has it. Returns after COMMIT; the caller wakes and tells.
        """
        next_turns = [new_id() for _ in range(limit)]
        rows = await self.db.rows(named("revive_dead_turns"), next_turns, lease)
        return [_revived(row) for row in rows]


def _received(row: Row) -> Received:
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
        workflow=row["o_workflow_name"],
        control=row["o_control"],
        supersedes_from=row["o_supersedes_from"],
    )


def _settled(told: dict[str, Any]) -> Settled:
    client_id = told.get("client_id")
    return Settled(
        id=UUID(told["id"]),
        client_id=None if client_id is None else UUID(client_id),
        kind=told["kind"],
        seq=told["seq"],
        replaced=told["replaced"],
    )


def _revived(row: Row) -> Revived:
    return Revived(
        cid=row["o_id"],
        turn=row["o_turn"],
        fence=row["o_fence"],
        invoke=row["o_invoke"],
        ended=row["o_ended"] and message_from_json(row["o_ended"]),
        connections=tuple(row["o_connections"]),
    )

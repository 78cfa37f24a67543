"""While a new version is rolled out, code of yesterday takes turns with code of today."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

from cj.domain.ids import new_id

from tests.integration.chatroom import LEASE, Room
from tests.integration.statements import sql

if TYPE_CHECKING:
    from cj.store import Database

RECEIVE = sql(
    "SELECT o_outcome, o_turn AS turn, o_fence AS fence "
    "FROM chat_receive_v1($1, $2, $3, $4, NULL, 'A', 'A', NULL, NULL, $5, $6, 5)"
)
BEGIN_TURN = sql("SELECT o_fence AS fence FROM chat_begin_turn_v1($1, $2, $3, $4, $5, 40)")
OPEN = sql(
    "SELECT o_turn AS turn, o_fence AS fence, o_invoke, o_last_seq "
    "FROM chat_open_v1($1, $2, NULL, $3, 'w', 15, NULL, 200, $4, $5)"
)


async def test_what_yesterdays_code_received_todays_worker_answers(room: Room) -> None:
    client = new_id()
    row = await room.db.row(RECEIVE, room.cid, room.owner, new_id(), client, new_id(), LEASE)
    woken = SimpleNamespace(turn=row["turn"], fence=row["fence"])
    begun = await room.begin(woken)
    assert begun.inputs == (client,)
    assert await room.end(woken, begun) is not None


async def test_what_todays_code_received_yesterdays_worker_answers(room: Room) -> None:
    received = await room.say()
    asked = (room.cid, received.turn, received.fence, new_id(), LEASE)
    row = await room.db.row(BEGIN_TURN, *asked)
    assert await room.begin(received) is None
    assert await room.end(received, SimpleNamespace(fence=row["fence"])) is not None


async def test_todays_drain_and_yesterdays_open_see_the_same_turn(
    room: Room, other_db: Database
) -> None:
    received = await room.say()
    drained = await room.drain()
    row = await other_db.row(OPEN, room.owner, room.cid, new_id(), new_id(), LEASE)
    assert (row["turn"], row["fence"], row["o_invoke"]) == (received.turn, drained.fence, True)

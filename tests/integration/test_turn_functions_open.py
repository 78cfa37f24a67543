"""Opening a conversation: subscribe, then read."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cj.domain.ids import anonymous_owner_id, new_id
from cj.store import Connections, Conversations

from tests.integration.chatroom import RAN_OUT, Room, session
from tests.integration.statements import BEGIN, COMMIT, somebody_waits, sql

if TYPE_CHECKING:
    from cj.domain.turns import Opened
    from cj.store import Database


async def open_any(db: Database, owner: str, workflow: str = "w") -> Opened:
    opened = await Conversations(db).open(
        owner, None, connection_id=None, new_id=new_id(), workflow=workflow, tail=15
    )
    assert opened is not None
    return opened


async def test_without_an_id_the_empty_conversation_is_opened_again(db: Database) -> None:
    owner = anonymous_owner_id()
    first = await open_any(db, owner)
    assert (first.last_seq, first.messages, first.more, first.turn) == (0, [], False, None)
    assert (await open_any(db, owner)).cid == first.cid
    await Room(db, first.cid, owner).say()
    assert (await open_any(db, owner)).cid != first.cid


async def test_another_owner_gets_another_empty_conversation(db: Database) -> None:
    cids = [(await open_any(db, anonymous_owner_id())).cid for _ in range(2)]
    assert len(set(cids)) == 2


async def test_the_empty_conversation_is_opened_whatever_it_was_made_for(db: Database) -> None:
    owner = anonymous_owner_id()
    first = await open_any(db, owner, "shopify_post_auth")
    again = await open_any(db, owner, "ad_hoc_support")
    assert (again.cid, again.workflow) == (first.cid, "shopify_post_auth")


async def test_of_several_empty_conversations_the_newest_is_opened(db: Database) -> None:
    owner, cids = anonymous_owner_id(), [new_id() for _ in range(3)]
    insert = "INSERT INTO conversations (id, owner_id, workflow_name, created_at) VALUES ($1, $2, "
    for cid, days in zip(cids, (1, 2, 0), strict=True):
        made_at = datetime.now(UTC) + timedelta(days=days)
        await db.execute(sql(f"{insert} 'w', $3)"), cid, owner, made_at)
    assert (await open_any(db, owner)).cid == cids[1]


async def test_a_conversation_in_which_cj_is_about_to_greet_is_empty_until_it_has(
    db: Database,
) -> None:
    owner = anonymous_owner_id()
    room = Room(db, (await open_any(db, owner)).cid, owner)
    received = await room.say("", control="trigger")
    waiting = await open_any(db, owner)
    assert (waiting.cid, waiting.last_seq, waiting.turn) == (room.cid, 1, received.turn)
    await room.end(received, await room.begin(received), "Welcome!")
    assert (await open_any(db, owner)).cid != room.cid


async def test_two_opens_at_once_create_one_conversation(
    db: Database, other_db: Database, watcher: Database
) -> None:
    owner = anonymous_owner_id()
    await db.execute(BEGIN)
    first = await open_any(db, owner)
    second = asyncio.create_task(open_any(other_db, owner))
    await somebody_waits(watcher)
    await db.execute(COMMIT)
    assert (await second).cid == first.cid


async def test_an_open_that_waits_for_the_first_message_makes_a_new_conversation(
    db: Database, other_db: Database, watcher: Database
) -> None:
    owner = anonymous_owner_id()
    empty = await open_any(db, owner)
    await db.execute(BEGIN)
    await Room(db, empty.cid, owner).say()
    opening = asyncio.create_task(open_any(other_db, owner))
    await somebody_waits(watcher)
    await db.execute(COMMIT)
    assert (await opening).cid != empty.cid


async def test_a_users_conversation_knows_its_user_and_merchant(db: Database) -> None:
    merchant = new_id()
    await db.execute(
        sql("INSERT INTO merchants (id, name, shop_domain) VALUES ($1, 'shop', 'shop.example')"),
        merchant,
    )
    await db.execute(
        sql("INSERT INTO users (id, merchant_id, shop_domain) VALUES ('usr_12345678', $1, 's')"),
        merchant,
    )
    cid = (await open_any(db, "usr_12345678")).cid
    row = await Room(db, cid, "usr_12345678").row()
    assert (row["user_id"], row["merchant_id"]) == ("usr_12345678", merchant)


async def test_a_missing_and_a_foreign_conversation_are_both_nothing(room: Room) -> None:
    await room.watched_by("mine=")
    stranger, nowhere = Room(room.db, room.cid), Room(room.db)
    await stranger.watched_by("theirs=")
    assert await stranger.open("theirs=") is None
    assert await nowhere.open() is None


async def test_an_open_subscribes_the_callers_own_connection_alone(room: Room) -> None:
    elsewhere = new_id()
    await Room(room.db, elsewhere, room.owner).watched_by("mine=")
    stranger = Room(room.db)
    await stranger.watched_by("theirs=")
    assert (await room.open("mine=")).connections == ("mine=",)
    assert (await room.open("theirs=")).connections == ("mine=",)
    looked_at = sql("SELECT conversation_id FROM ws_connections WHERE connection_id = 'theirs='")
    assert (await room.db.row(looked_at))[0] == stranger.cid


async def test_a_turn_that_ends_before_an_open_is_read_by_it(
    room: Room, other_db: Database, watcher: Database
) -> None:
    received = await room.say()
    begun = await room.begin(received)
    await room.watched_by("tab=")
    await room.db.execute(BEGIN)
    await room.end(received, begun, "Hi")
    opening = asyncio.create_task(room.seen_by(other_db).open("tab="))
    await somebody_waits(watcher)
    await room.db.execute(COMMIT)
    assert [message.text for message in (await opening).messages] == ["Hello", "Hi"]


async def test_a_turn_that_ends_after_an_open_sees_its_subscription(
    room: Room, other_db: Database, watcher: Database
) -> None:
    received = await room.say()
    begun = await room.begin(received)
    await Room(room.db, new_id(), room.owner).watched_by("tab=")
    await other_db.execute(BEGIN)
    opened = await room.seen_by(other_db).open("tab=")
    ending = asyncio.create_task(room.end(received, begun))
    await somebody_waits(watcher)
    await other_db.execute(COMMIT)
    assert [message.text for message in opened.messages] == ["Hello"]
    assert (await ending).connections == ("tab=",)


async def test_an_open_reads_the_tail_or_what_came_after(room: Room) -> None:
    for _ in range(10):
        await room.exchange()
    tail = await room.open(tail=3)
    assert ([m.seq for m in tail.messages], tail.more, tail.last_seq) == ([18, 19, 20], True, 20)
    assert not (await room.open(tail=20)).more
    after = await room.open(after_seq=18)
    assert ([m.seq for m in after.messages], after.more) == ([19, 20], False)
    assert (await room.open(after_seq=20)).messages == []
    assert (await room.open(after_seq=2**31 - 1)).messages == []


async def test_at_most_200_messages_come_at_once(room: Room) -> None:
    fill = sql(
        "INSERT INTO messages (conversation_id, seq, id, role, text) "
        "SELECT $1, n, gen_random_uuid(), 'system', n::text FROM generate_series(1, 250) n"
    )
    await room.db.execute(fill, room.cid)
    await room.set("last_seq = 250")
    page = await room.open(after_seq=0)
    assert ([page.messages[0].seq, page.messages[-1].seq], page.more) == ([1, 200], True)
    rest = await room.open(after_seq=200)
    assert (len(rest.messages), rest.more) == (50, False)
    assert len((await room.open(tail=1_000)).messages) == 200
    assert (await room.open(tail=1_000)).messages[-1].seq == 250


@pytest.mark.parametrize("after_seq", [None, 0, 1, 3, 5])
async def test_archive_and_rows_read_like_rows_alone(room: Room, after_seq: int | None) -> None:
    await room.exchange("Q1", "A1")
    await room.say("", control="trigger")
    before = await room.open(after_seq=after_seq)
    begun = await room.begin(before)
    await room.end(before, begun, ui={"kind": None})
    rows = [message.public() for message in (await room.open(after_seq=after_seq)).messages]
    await room.archive()
    archived = [message.public() for message in (await room.open(after_seq=after_seq)).messages]
    assert archived == rows
    await room.exchange("Q2", "A2")
    both = [message.public() for message in (await room.open(after_seq=after_seq)).messages]
    assert both[: len(rows)] == rows
    assert [message["seq"] for message in both][-2:] == [5, 6][-len(both) :]


async def test_an_open_tells_of_a_running_turn(room: Room) -> None:
    received = await room.say()
    begun = await room.begin(received)
    opened = await room.open()
    assert (opened.turn, opened.fence, opened.invoke) == (received.turn, begun.fence, False)


async def test_an_open_gives_no_messages_to_whoever_has_them_all(room: Room) -> None:
    for _ in range(10):
        await room.exchange()
    await Room(room.db, new_id(), room.owner).watched_by("tab=")
    opened = await room.open("tab=", known=20)
    assert (opened.messages, opened.last_seq, opened.more) == (None, 20, True)
    assert opened.connections == ("tab=",)  # subscribed all the same
    assert not (await room.open(tail=20, known=20)).more


@pytest.mark.parametrize("known", [None, 0, 1, 3])
async def test_an_open_gives_the_messages_to_whoever_has_others(
    room: Room, known: int | None
) -> None:
    await room.exchange()
    opened = await room.open(known=known)
    assert [message.seq for message in opened.messages] == [1, 2]


async def test_what_was_asked_for_from_a_seq_on_is_given_whatever_is_known(room: Room) -> None:
    await room.exchange()
    assert [m.seq for m in (await room.open(after_seq=1, known=2)).messages] == [2]


async def test_an_open_gives_the_messages_when_a_turn_died_for_good_on_the_way(
    room: Room,
) -> None:
    await room.begin(await room.say(), lease=RAN_OUT)
    await room.set("turn_attempts = 3")
    opened = await room.open(known=1)
    assert [message.status for message in opened.messages] == ["complete", "error"]


async def test_an_empty_conversation_is_known_to_be_empty(room: Room) -> None:
    assert (await room.open(known=0)).messages is None
    assert (await room.open()).messages == []


async def test_a_connection_admitted_anew_looks_at_what_it_looked_at(room: Room) -> None:
    """It was admitted while PostgreSQL was away, and is told of what comes all the same."""
    token_hash, until = await session(room.db, room.owner), datetime.now(UTC) + timedelta(hours=1)
    admitted = await Connections(room.db).admit("late=", token_hash, until, room.cid)
    assert admitted.conversation_id == room.cid
    assert (await room.say()).connections == ("late=",)
    assert await Connections(room.db).admit("late=", token_hash, until, room.cid) == admitted
    await Connections(room.db).admit("late=", token_hash, until)
    assert (await room.say()).connections == ()


async def test_a_connection_is_admitted_to_no_conversation_of_another_owner(room: Room) -> None:
    token_hash = await session(room.db, anonymous_owner_id())
    until = datetime.now(UTC) + timedelta(hours=1)
    for cid in (room.cid, new_id()):
        admitted = await Connections(room.db).admit("stranger=", token_hash, until, cid)
        assert admitted.conversation_id is None
    looked_at = sql("SELECT count(*) FROM ws_connections WHERE conversation_id = $1")
    assert (await room.db.row(looked_at, room.cid))[0] == 0

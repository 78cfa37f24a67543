"""Sessions, connections, lists and sweeps: what they give, and what they give to nobody."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cj.domain.ids import anonymous_owner_id, new_id
from cj.domain.turns import Caller, Session
from cj.store import Connections, Conversations, Database, Sessions, Sweep
from cj.store.queries import named

from tests.integration.chatroom import Room, session
from tests.integration.statements import sql

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.conftest import Database as Made

DAY = timedelta(days=1)


def soon() -> datetime:
    return datetime.now(UTC) + DAY


def token() -> str:
    return new_id().hex * 2


@pytest.fixture
async def own_db(database: Made) -> AsyncIterator[Database]:
    """A database with nobody else's rows in it."""
    made = Database(database.app_url)
    yield made
    await made.close()


async def make_user(db: Database, user_id: str, shop: str) -> None:
    merchant = new_id()
    await db.execute(
        sql("INSERT INTO merchants (id, name, shop_domain) VALUES ($1, $2, $2)"), merchant, shop
    )
    await db.execute(
        sql("INSERT INTO users (id, merchant_id, shop_domain) VALUES ($1, $2, $3)"),
        *(user_id, merchant, shop),
    )


async def test_a_session_is_found_by_its_hash(db: Database) -> None:
    owner, until, token_hash = anonymous_owner_id(), soon(), token()
    made = await Sessions(db).create(token_hash, owner, until)
    assert made == Session(token_hash, owner, None, None, until)
    assert await Sessions(db).find(token_hash) == made
    assert await Sessions(db).find(token()) is None


async def test_a_users_session_knows_the_shop(db: Database) -> None:
    await make_user(db, "usr_aaaaaaaa", "a.myshopify.com")
    token_hash = token()
    made = await Sessions(db).create(token_hash, "usr_aaaaaaaa", soon(), user_id="usr_aaaaaaaa")
    assert (made.user_id, made.shop_domain) == ("usr_aaaaaaaa", "a.myshopify.com")
    assert await Sessions(db).find(token_hash) == made


async def test_a_session_created_twice_is_one_and_never_somebody_elses(db: Database) -> None:
    owner, until, token_hash = anonymous_owner_id(), soon(), token()
    first = await Sessions(db).create(token_hash, owner, until)
    assert await Sessions(db).create(token_hash, owner, until) == first
    with pytest.raises(ValueError, match="used once"):
        await Sessions(db).create(token_hash, anonymous_owner_id(), until)


async def test_an_expired_or_revoked_session_is_nobody(db: Database) -> None:
    owner = anonymous_owner_id()
    expired = await session(db, owner, lasts=timedelta(seconds=-1))
    revoked = await session(db, owner)
    assert await Sessions(db).revoke(revoked) == ()
    assert await Sessions(db).revoke(revoked) == ()
    for token_hash in (expired, revoked):
        assert await Sessions(db).find(token_hash) is None
        assert await Connections(db).admit("late=", token_hash, soon()) is None


async def test_revoking_a_session_names_its_connections_and_silences_them(db: Database) -> None:
    token_hash = await session(db, anonymous_owner_id())
    names = [f"{new_id()}=" for _ in range(2)]
    for name in names:
        await Connections(db).admit(name, token_hash, soon())
    assert await Sessions(db).revoke(token_hash) == tuple(sorted(names))
    assert [await Connections(db).caller(name) for name in names] == [None, None]


async def test_an_admitted_connection_knows_who_speaks(db: Database) -> None:
    owner, name = anonymous_owner_id(), f"{new_id()}="
    token_hash = await session(db, owner)
    admitted = await Connections(db).admit(name, token_hash, soon())
    assert admitted == Caller(name, owner, None, token_hash, None)
    assert await Connections(db).caller(name) == admitted
    assert await Connections(db).admit(name, token_hash, soon()) == admitted


async def test_to_admit_a_connection_is_to_see_its_session(db: Database) -> None:
    token_hash = await session(db, anonymous_owner_id())
    seen = sql("SELECT last_seen FROM web_sessions WHERE token_hash = $1")
    before = (await db.row(seen, token_hash))[0]
    await Connections(db).admit(f"{new_id()}=", token_hash, soon())
    assert (await db.row(seen, token_hash))[0] > before


async def test_a_connection_past_its_time_or_unknown_is_nobody(db: Database) -> None:
    name = f"{new_id()}="
    token_hash = await session(db, anonymous_owner_id())
    await Connections(db).admit(name, token_hash, soon() - 2 * DAY)
    assert await Connections(db).caller(name) is None
    assert await Connections(db).caller("unknown=") is None


async def test_to_forget_a_connection_tells_what_it_looked_at(room: Room) -> None:
    name = await room.watched_by(f"{new_id()}=")
    assert (await Connections(room.db).caller(name)).conversation_id == room.cid
    assert await Connections(room.db).forget(name) == room.cid
    assert await Connections(room.db).forget(name) is None
    assert (await room.say()).connections == ()


async def test_a_connection_past_its_time_is_told_nothing(room: Room) -> None:
    await room.watched_by("over=")
    expire = sql("UPDATE ws_connections SET expires_at = now() WHERE connection_id = 'over='")
    await room.db.execute(expire)
    received = await room.say()
    begun = await room.begin(received)
    assert (received.connections, begun.connections) == ((), ())


async def test_a_list_holds_what_was_talked_about_newest_first(db: Database) -> None:
    owner = anonymous_owner_id()
    rooms = [await Room(db, owner=owner).furnish() for _ in range(3)]
    for number in (0, 2):
        await rooms[number].exchange(f"Q{number}", f"A{number}")
    listed = await Conversations(db).list(owner, limit=10)
    assert [(c.id, c.title, c.preview, c.message_count) for c in listed] == [
        (rooms[2].cid, "Q2", "A2", 2),
        (rooms[0].cid, "Q0", "A0", 2),
    ]
    await rooms[0].exchange("Again", "Sure")
    assert [c.id for c in await Conversations(db).list(owner, limit=1)] == [rooms[0].cid]


async def test_the_pages_of_a_list_hold_each_conversation_once(db: Database) -> None:
    """Several were touched in the same microsecond: the id decides."""
    owner = anonymous_owner_id()
    rooms = [await Room(db, owner=owner).furnish() for _ in range(7)]
    for number, room in enumerate(rooms):
        await room.say()
        await room.set(f"updated_at = timestamptz '2026-01-01' + interval '{number // 3} s'")
    pages, before = [], None
    while page := await Conversations(db).list(owner, limit=2, before=before):
        pages += page
        before = (page[-1].updated_at, page[-1].id)
    oldest_first = [sorted(room.cid for room in rooms[at : at + 3]) for at in (0, 3, 6)]
    assert [c.id for c in pages] == [cid for group in oldest_first for cid in group][::-1]


async def test_a_list_reads_one_index_and_sorts_nothing(database: Made) -> None:
    db = Database(database.owner_url)
    fill = sql(
        "INSERT INTO conversations (id, owner_id, workflow_name, message_count) "
        "SELECT gen_random_uuid(), 'anon_' || n % 50, 'w', 1 FROM generate_series(1, 5000) n"
    )
    await db.execute(fill)
    await db.execute(sql("ANALYZE conversations"))
    literal = named("list_conversations").sql
    for position, value in enumerate(("'anon_1'", "now()", f"'{new_id()}'::uuid", "20"), 1):
        literal = literal.replace(f"${position}", value)
    plan = "\n".join(row[0] for row in await db.rows(sql(f"EXPLAIN {literal}")))
    assert "Index Scan Backward using conversations_of_owner" in plan
    assert "Sort" not in plan
    await db.close()


async def test_a_transcript_is_read_in_pages(room: Room) -> None:
    for _ in range(3):
        await room.exchange()
    conversations = Conversations(room.db)
    page = await conversations.read(room.owner, room.cid, limit=4)
    assert ([m.seq for m in page.messages], page.more, page.last_seq) == ([1, 2, 3, 4], True, 6)
    rest = await conversations.read(room.owner, room.cid, after_seq=4, limit=4)
    assert ([m.seq for m in rest.messages], rest.more) == ([5, 6], False)
    assert (rest.id, rest.workflow, rest.title, rest.ended_at) == (room.cid, "w", "Hello", None)


async def test_an_archived_transcript_reads_the_same(room: Room) -> None:
    await room.exchange()
    before = await Conversations(room.db).read(room.owner, room.cid)
    await room.archive()
    after = await Conversations(room.db).read(room.owner, room.cid)
    assert [m.public() for m in after.messages] == [m.public() for m in before.messages]
    assert after.ended_at is not None


async def test_a_reader_never_sees_a_move_into_the_archive(room: Room, other_db: Database) -> None:
    """Two statements would: between them the rows are in neither answer."""
    for _ in range(5):
        await room.exchange()
    archiving = asyncio.create_task(archive_and_talk(room.seen_by(other_db)))
    reads = 0
    while not archiving.done() or reads < 20:
        page = await Conversations(room.db).read(room.owner, room.cid, limit=200)
        assert [m.seq for m in page.messages] == list(range(1, page.last_seq + 1))
        reads += 1
    await archiving


async def archive_and_talk(room: Room) -> None:
    for _ in range(15):
        await room.archive()
        await room.exchange()


async def test_a_stranger_gets_from_every_method_what_a_missing_id_gets(room: Room) -> None:
    received = await room.say("Secret")
    await room.end(received, await room.begin(received))
    conversations, stranger = Conversations(room.db), Room(room.db, room.cid)
    before = await room.row(), await room.rows()
    for cid in (room.cid, new_id()):
        assert await conversations.read(stranger.owner, cid) is None
        assert await conversations.list(stranger.owner, limit=50) == []
        seeker = Room(room.db, cid, stranger.owner)
        assert await seeker.open() is None
        assert await seeker.open(after_seq=0) is None
        refused = await seeker.say()
        assert (refused.outcome, refused.invoke, refused.connections) == ("not_found", False, ())
    assert (await room.row(), await room.rows()) == before


async def test_a_sweep_deletes_what_is_over_in_batches(own_db: Database) -> None:
    owner, over = anonymous_owner_id(), timedelta(seconds=-1)
    live = await session(own_db, owner)
    for number in range(5):
        expired = await session(own_db, owner, lasts=over)
        await own_db.execute(
            sql(
                "INSERT INTO ws_connections (connection_id, owner_id, token_hash, expires_at) "
                "VALUES ($1, $2, $3, now())"
            ),
            *(f"{number}=", owner, expired),
        )
        await own_db.execute(
            sql(
                "INSERT INTO oauth_csrf_state (state_hash, shop_domain, session_hash, expires_at) "
                "VALUES ($1, 'a', 'b', now())"
            ),
            expired,
        )
    await Connections(own_db).admit("live=", live, soon())
    sweep = Sweep(own_db)
    for delete in (sweep.expired_sessions, sweep.expired_oauth_states, sweep.expired_connections):
        assert [await delete(3) for _ in range(3)] == [3, 2, 0]
    assert await Sessions(own_db).find(live) is not None
    assert await Connections(own_db).caller("live=") is not None


async def test_two_sweeps_at_once_take_different_rows(own_db: Database, database: Made) -> None:
    for _ in range(6):
        await session(own_db, anonymous_owner_id(), lasts=timedelta(seconds=-1))
    second = Database(database.app_url)
    await own_db.execute(sql("BEGIN"))
    assert await Sweep(own_db).expired_sessions(4) == 4
    assert await Sweep(second).expired_sessions(4) == 2
    await own_db.execute(sql("COMMIT"))
    assert await Sweep(own_db).expired_sessions(4) == 0
    await second.close()

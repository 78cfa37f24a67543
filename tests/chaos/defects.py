"""Five ways to lose, double or mix up messages, built into a real system by SQL.

Each edits the newest version of a function as it stands in the database, and complains when that
does not look as it expects: a defect that is not planted would prove nothing.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.chaos.faults import pause_worker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.chaos.faults import Scene
    from tests.chaos.page import Page
    from tests.chaos.stage import Stage

_LOCK = re.compile(r"\s+FOR NO KEY UPDATE")
_ROWS_OF_A_CLIENT_ID = "WHERE conversation_id = p_cid AND client_id = p_client;"
_PAUSE = "now_ := clock_timestamp();"
_FENCED_RENEWAL = (
    "SET turn_until = clock_timestamp() + p_lease\n"
    "     WHERE id = p_cid AND turn_id = p_turn AND turn_fence = p_fence"
)
_FREE_RENEWAL = (
    "SET turn_until = CASE WHEN turn_id IS NOT NULL THEN clock_timestamp() + p_lease END\n"
    "     WHERE id = p_cid"
)
_FENCED_END = "c.turn_id = p_turn AND c.turn_fence = p_fence"
_DRAINS_NOTHING = """BEGIN
    RETURN QUERY SELECT '[]'::json, '[]'::json, c.owner_id, c.workflow_name, c.last_seq,
        NULL::uuid, NULL::bigint, false, NULL::json, '{}'::text[] FROM conversations c
     WHERE c.id = p_cid;
END"""


@dataclass(frozen=True)
class Defect:
    """What is planted, the fault that shows it, and what the checker has to call it."""

    name: str
    plant: Callable[[Stage], Awaitable[None]]
    strike: Callable[[Scene], Awaitable[object]]
    kinds: frozenset[str]  # one of them at least


async def _function(stage: Stage, like: str) -> str:
    """The newest version's definition."""
    query = "SELECT proname, pg_get_functiondef(oid) AS d FROM pg_proc WHERE proname ~ $1"
    found = await stage.sql(query, f"^{like}_v[0-9]+$")
    newest = max(found, key=lambda row: int(row["proname"].rpartition("_v")[2]))
    return str(newest["d"])


def _edited(definition: str, old: str, new: str) -> str:
    assert definition.count(old) == 1, f"nothing to break here: {old!r}"
    return definition.replace(old, new)


async def no_unique_key(stage: Stage) -> None:
    """A client id is neither looked for nor kept from being there twice."""
    receive = await _function(stage, "chat_receive")
    look = _ROWS_OF_A_CLIENT_ID.replace(";", " AND false;")
    await stage.sql(_edited(receive, _ROWS_OF_A_CLIENT_ID, look))
    await stage.sql("ALTER TABLE messages DROP CONSTRAINT messages_conversation_id_client_id_key")


async def no_row_lock(stage: Stage) -> None:
    """Receive looks without the lock and takes its time, and nothing else keeps a seq unique."""
    receive = await _function(stage, "chat_receive")
    unlocked = _LOCK.sub("", receive)
    assert unlocked != receive, "there was no lock"
    slow = unlocked.replace(_PAUSE, f"PERFORM pg_sleep(0.02); {_PAUSE}", 1)
    assert slow != unlocked, "it cannot be slowed down"
    await stage.sql(slow)
    await stage.sql("ALTER TABLE messages DROP CONSTRAINT messages_pkey")


async def no_drain(stage: Stage) -> None:
    """What was kept during an outage is said to be saved, and thrown away."""
    drain = await _function(stage, "chat_drain")
    head = drain.partition("AS $function$")[0]
    await stage.sql(f"{head}AS $function$\n{_DRAINS_NOTHING}\n$function$")


async def ack_before_commit(stage: Stage) -> None:
    """PostgreSQL says that it is committed, and writes it down some seconds later."""
    await stage.sql("ALTER ROLE cj_app SET synchronous_commit = off", superuser=True)
    for setting in ("wal_writer_delay = '10s'", "wal_writer_flush_after = '1GB'"):
        await stage.sql(f"ALTER SYSTEM SET {setting}", superuser=True)
    await stage.sql("SELECT pg_reload_conf()", superuser=True)
    stage.to_postgres.cut()  # a role's setting is taken at the next connection


async def no_fence(stage: Stage) -> None:
    """Every worker may renew and end a turn, whoever has it by now."""
    renew = await _function(stage, "chat_renew_turn")
    await stage.sql(_edited(renew, _FENCED_RENEWAL, _FREE_RENEWAL))
    end = await _function(stage, "chat_end_turn")
    await stage.sql(_edited(end, _FENCED_END, "true"))


async def _lose_replies(scene: Scene) -> None:
    """The next ones: what was done is asked for again."""
    scene.stage.to_postgres.losing_replies = 12


async def _nothing(scene: Scene) -> None:
    """Two tabs that talk at once are enough."""


def _has_unsaved(page: Page) -> bool:
    return any(said.accepted_at is not None for said in page.outbox)


async def _tabs_die_in_an_outage(scene: Scene) -> None:
    """With messages that PostgreSQL has not seen, while Redis lives."""
    await scene.stage.to_postgres.refuse()
    accepted = [
        asyncio.create_task(seat.tab.until(_has_unsaved, within_s=10)) for seat in scene.crowd.seats
    ]
    await asyncio.gather(*accepted)
    for seat in scene.crowd.seats[::2]:
        await scene.crowd.replace(seat)
    await scene.stage.to_postgres.normal()


async def _power_cut(scene: Scene) -> None:
    for seat in scene.crowd.seats:
        await seat.tab.until(lambda page: page.transcript.last_seq >= 4, within_s=10)
    await scene.stage.kill_postgres()
    await scene.stage.start_postgres()


DEFECTS = (
    Defect("no unique key", no_unique_key, _lose_replies, frozenset({"duplicated"})),
    Defect("no row lock", no_row_lock, _nothing, frozenset({"gap"})),
    Defect("no drain", no_drain, _tabs_die_in_an_outage, frozenset({"lost"})),
    Defect("ack before commit", ack_before_commit, _power_cut, frozenset({"lost"})),
    Defect("no fence", no_fence, pause_worker, frozenset({"answers", "two turns at once"})),
)


@asynccontextmanager
async def planted(stage: Stage, defect: Defect) -> AsyncIterator[None]:
    """The defect is there, and gone again afterwards together with all conversations."""
    names = "chat_receive|chat_drain|chat_renew_turn|chat_end_turn"
    query = "SELECT pg_get_functiondef(oid) AS d FROM pg_proc WHERE proname ~ $1"
    sound = [row["d"] for row in await stage.sql(query, f"^({names})_v")]
    keys = await stage.sql(
        "SELECT conname, pg_get_constraintdef(oid) AS d FROM pg_constraint "
        "WHERE conrelid = 'messages'::regclass AND contype IN ('p', 'u')"
    )
    await defect.plant(stage)
    try:
        yield
    finally:
        await stage.sql("TRUNCATE conversations CASCADE")
        for definition in sound:
            await stage.sql(definition)
        for name, definition in keys:
            await stage.sql(f"ALTER TABLE messages DROP CONSTRAINT IF EXISTS {name}")
            await stage.sql(f"ALTER TABLE messages ADD CONSTRAINT {name} {definition}")
        await stage.sql("ALTER ROLE cj_app RESET ALL", superuser=True)
        await stage.sql("ALTER SYSTEM RESET ALL", superuser=True)
        await stage.sql("SELECT pg_reload_conf()", superuser=True)
        await stage.to_postgres.normal()
        stage.to_postgres.cut()

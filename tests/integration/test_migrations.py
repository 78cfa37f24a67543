"""Migrations against a real server: once, in order, by one runner at a time; who owns what."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncpg
import pytest
from cj.errors import MigrationInvalid, StoreUnavailable
from cj.store.migrate import MIGRATIONS, migrate, read_migrations, status

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Database

ALL = [migration.name for migration in read_migrations(MIGRATIONS)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0001_one.sql").write_text("CREATE TABLE one (id INT);")
    (tmp_path / "0002_two.sql").write_text("CREATE TABLE two (id INT);")
    return tmp_path


async def ask(url: str, sql: str, *args: object) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetch(sql, *args)
    finally:
        await connection.close()


async def somebody_waits(connection: asyncpg.Connection) -> None:
    async with asyncio.timeout(10):
        # What is waited for is in the server: no event of ours tells of it.
        while not await connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_an_empty_database_gets_every_migration_in_order(owner_database: Database) -> None:
    told: list[str] = []
    assert await migrate(owner_database.owner_url, report=told.append) == ALL
    assert told == [f"applied {name}" for name in ALL]
    rows = await ask(
        owner_database.owner_url, "SELECT version FROM schema_migrations ORDER BY applied_at"
    )
    assert [row["version"] for row in rows] == [name[:4] for name in ALL]


async def test_a_second_run_finds_nothing_to_do(owner_database: Database) -> None:
    await migrate(owner_database.owner_url)
    assert await migrate(owner_database.owner_url) == []


async def test_of_two_runners_at_once_one_applies_and_the_other_waits(
    owner_database: Database,
) -> None:
    runs = await asyncio.gather(*(migrate(owner_database.owner_url) for _ in range(4)))
    assert sorted(runs) == [[], [], [], ALL]


async def test_a_waiting_runner_says_so(owner_database: Database, folder: Path) -> None:
    waiting = asyncio.Event()
    (folder / "0003_slow.sql").write_text("SELECT pg_advisory_lock_shared(1)")
    blocker = await asyncpg.connect(owner_database.owner_url)
    await blocker.execute("SELECT pg_advisory_lock(1)")
    first = asyncio.create_task(migrate(owner_database.owner_url, directory=folder))
    await somebody_waits(blocker)
    second = asyncio.create_task(
        migrate(owner_database.owner_url, directory=folder, report=lambda _: waiting.set())
    )
    await asyncio.wait_for(waiting.wait(), 10)
    await blocker.close()
    assert await first == ["0001_one", "0002_two", "0003_slow"]
    assert await second == []


async def test_an_applied_file_that_changed_is_refused(
    owner_database: Database, folder: Path
) -> None:
    await migrate(owner_database.owner_url, directory=folder)
    (folder / "0001_one.sql").write_text("CREATE TABLE one (id BIGINT);")
    (folder / "0003_three.sql").write_text("CREATE TABLE three (id INT);")
    with pytest.raises(MigrationInvalid, match=r"0001_one: was applied .* has changed since"):
        await migrate(owner_database.owner_url, directory=folder)
    states = await status(owner_database.owner_url, directory=folder)
    assert [(s.version, s.applied_at is None, s.changed) for s in states] == [
        ("0001", False, True),
        ("0002", False, False),
        ("0003", True, False),
    ]


async def test_a_failing_migration_leaves_nothing_and_stops_those_after_it(
    owner_database: Database, folder: Path
) -> None:
    (folder / "0002_two.sql").write_text("CREATE TABLE two (id INT); SELECT 1/0;")
    (folder / "0003_three.sql").write_text("CREATE TABLE three (id INT);")
    with pytest.raises(MigrationInvalid, match="0002_two: division by zero"):
        await migrate(owner_database.owner_url, directory=folder)
    rows = await ask(owner_database.owner_url, "SELECT to_regclass('one'), to_regclass('two')")
    assert tuple(rows[0]) == ("one", None)
    (folder / "0002_two.sql").write_text("CREATE TABLE two (id INT);")
    assert await migrate(owner_database.owner_url, directory=folder) == ["0002_two", "0003_three"]


async def test_a_late_number_is_refused(owner_database: Database, folder: Path) -> None:
    await migrate(owner_database.owner_url, directory=folder)
    (folder / "0000_zero.sql").write_text("SELECT 1;")
    with pytest.raises(MigrationInvalid, match="0000_zero: comes before 0002"):
        await migrate(owner_database.owner_url, directory=folder)


async def test_older_code_runs_on_a_newer_schema(owner_database: Database, folder: Path) -> None:
    await migrate(owner_database.owner_url, directory=folder)
    (folder / "0002_two.sql").unlink()
    assert await migrate(owner_database.owner_url, directory=folder) == []
    states = await status(owner_database.owner_url, directory=folder)
    assert [(s.version, s.name) for s in states] == [("0001", "0001_one"), ("0002", None)]


@pytest.mark.parametrize("name", ["0001_again", "third"])
def test_a_file_that_is_no_migration_or_a_second_one_is_refused(folder: Path, name: str) -> None:
    (folder / f"{name}.sql").write_text("SELECT 1;")
    with pytest.raises(MigrationInvalid, match=name):
        read_migrations(folder)


def test_line_ends_do_not_change_a_checksum(folder: Path) -> None:
    (folder / "0001_one.sql").write_bytes(b"SELECT\n1;\n")
    unix = read_migrations(folder)[0].checksum
    (folder / "0001_one.sql").write_bytes(b"SELECT\r\n1;\r\n")
    assert read_migrations(folder)[0].checksum == unix


async def test_the_status_of_an_empty_database_is_that_all_is_due(owner_database: Database) -> None:
    states = await status(owner_database.owner_url)
    assert [state.name for state in states] == ALL
    assert all(state.applied_at is None for state in states)


async def test_no_server_is_an_outage() -> None:
    with pytest.raises(StoreUnavailable):
        await migrate("postgresql://cj_owner@127.0.0.1:1/cj")


async def test_a_missing_application_role_the_owner_may_not_create_is_named(
    owner_database: Database, tmp_path: Path
) -> None:
    roles = (MIGRATIONS / "0001_roles.sql").read_text().replace("cj_app", "cj_nobody")
    (tmp_path / "0001_roles.sql").write_text(roles)
    with pytest.raises(MigrationInvalid, match="role cj_nobody is missing and cj_owner may not"):
        await migrate(owner_database.owner_url, directory=tmp_path)


async def test_the_application_owns_nothing(shared_url: str) -> None:
    owned = await ask(
        shared_url,
        "SELECT relname FROM pg_class WHERE relowner = 'cj_app'::regrole "
        "UNION ALL SELECT proname FROM pg_proc WHERE proowner = 'cj_app'::regrole",
    )
    assert owned == []


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (id INT)",
        "ALTER TABLE messages ADD COLUMN mine INT",
        "DROP TABLE messages",
        "TRUNCATE messages",
        "CREATE INDEX ON messages (id)",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql RETURN 1",
        "DROP FUNCTION chat_find_archived_v1",
        "CREATE ROLE mine",
        "DELETE FROM schema_migrations",
        "UPDATE schema_migrations SET checksum = ''",
        "INSERT INTO schema_migrations VALUES ('9', '')",
    ],
)
async def test_the_application_changes_no_definition(shared_url: str, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await ask(shared_url, statement)


async def test_the_application_sees_what_was_applied(shared_url: str) -> None:
    rows = await ask(shared_url, "SELECT version FROM schema_migrations")
    assert len(rows) == len(ALL)


async def test_a_table_of_a_later_migration_is_the_applications_to_use(
    database: Database, tmp_path: Path
) -> None:
    for path in MIGRATIONS.glob("*.sql"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "9999_later.sql").write_text(
        "CREATE TABLE later (id INT GENERATED BY DEFAULT AS IDENTITY);"
        "CREATE FUNCTION later_one() RETURNS int LANGUAGE sql RETURN 1;"
    )
    await migrate(database.owner_url, directory=tmp_path)
    await ask(database.app_url, "INSERT INTO later DEFAULT VALUES")
    await ask(database.app_url, "UPDATE later SET id = later_one()")
    await ask(database.app_url, "DELETE FROM later")


async def test_nobody_but_owner_and_application_may_call_a_function(shared_url: str) -> None:
    rows = await ask(
        shared_url,
        "SELECT proname FROM pg_proc WHERE proowner = 'cj_owner'::regrole "
        "AND has_function_privilege('public', oid, 'EXECUTE')",
    )
    assert rows == []


async def test_every_function_is_safe_from_a_foreign_search_path(shared_url: str) -> None:
    rows = await ask(
        shared_url,
        "SELECT proname FROM pg_proc WHERE proowner = 'cj_owner'::regrole AND prosqlbody IS NULL "
        "AND NOT coalesce(proconfig @> '{\"search_path=public, pg_temp\"}', false)",
    )
    assert rows == []


async def test_no_index_repeats_what_another_one_gives(shared_url: str) -> None:
    rows = await ask(
        shared_url,
        "SELECT a.indexrelid::regclass::text AS spare, b.indexrelid::regclass::text AS by "
        "FROM pg_index a JOIN pg_index b ON a.indrelid = b.indrelid "
        "AND a.indexrelid <> b.indexrelid AND a.indpred IS NULL AND b.indpred IS NULL "
        "AND NOT a.indisunique "
        "AND (b.indkey::text || ' ') LIKE (a.indkey::text || ' %') "
        "WHERE a.indrelid::regclass::text !~ '^pg_'",
    )
    assert [tuple(row) for row in rows] == []


async def test_the_types_are_those_of_the_house(shared_url: str) -> None:
    """No enum, no timestamp without a zone: both bite through a pooling proxy or a winter."""
    rows = await ask(
        shared_url,
        "SELECT table_name, column_name, data_type FROM information_schema.columns "
        "WHERE table_schema = 'public' AND data_type IN "
        "('timestamp without time zone', 'USER-DEFINED', 'character varying')",
    )
    assert [tuple(row) for row in rows] == []

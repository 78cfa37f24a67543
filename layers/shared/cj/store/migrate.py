"""Migrations: forward only, in order, each once and in one transaction of its own."""

from __future__ import annotations

import hashlib
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

from cj.errors import MigrationInvalid, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from datetime import datetime

MIGRATIONS = Path(__file__).parent.parent / "migrations"
_NAME = re.compile(r"(?P<version>\d{4})_\w+\.sql")
_LOCK = 0x636A_6D69_6772  # one runner at a time in a database
_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    version    TEXT PRIMARY KEY,
    checksum   TEXT NOT NULL,
    applied_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
)"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of the folder."""

    version: str
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """The same on every platform: line ends do not count."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class MigrationState:
    """`name` is None for a version only the database knows: newer code was here."""

    version: str
    name: str | None
    applied_at: datetime | None
    changed: bool


def read_migrations(directory: Path) -> list[Migration]:
    """In order. Raises MigrationInvalid for a name that is none and for a version given twice."""
    found: dict[str, Migration] = {}
    for path in sorted(directory.glob("*.sql")):
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise MigrationInvalid(f"{path.name}: a migration is called 0001_what_it_does.sql")
        if match["version"] in found:
            raise MigrationInvalid(f"{path.name}: {found[match['version']].name} has this number")
        found[match["version"]] = Migration(match["version"], path.stem, path.read_text("utf-8"))
    return list(found.values())


async def migrate(
    url: str,
    *,
    directory: Path = MIGRATIONS,
    report: Callable[[str], None] = lambda _line: None,
) -> list[str]:
    """Applies what is not applied yet, as the role in `url`, which will own it all.

    Returns the names of what was applied. Raises MigrationInvalid, after which what stood before
    the failing migration is applied and nothing of it is; StoreUnavailable without a server.
    """
    migrations = read_migrations(directory)
    async with _connection(url) as held:
        # Held until the connection ends: a second runner waits here and then finds nothing to do.
        if not await held.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
            report("waiting for another run of the migrations")
            await held.execute("SELECT pg_advisory_lock($1)", _LOCK)
        await held.execute(_TABLE)
        applied = await _applied(held)
        due = [m for m in migrations if m.version not in applied]
        _check(migrations, applied, due)
        for migration in due:
            await _apply(held, migration)
            report(f"applied {migration.name}")
        return [migration.name for migration in due]


async def status(url: str, *, directory: Path = MIGRATIONS) -> list[MigrationState]:
    """Every migration, of the folder and of the database, in order."""
    migrations = {m.version: m for m in read_migrations(directory)}
    async with _connection(url) as held:
        known = await held.fetchval("SELECT to_regclass('schema_migrations') IS NOT NULL")
        applied = await _applied(held) if known else {}
    return [
        _state(version, migrations.get(version), applied.get(version))
        for version in sorted(migrations.keys() | applied.keys())
    ]


def _state(
    version: str, migration: Migration | None, record: tuple[str, datetime] | None
) -> MigrationState:
    changed = migration is not None and record is not None and record[0] != migration.checksum
    return MigrationState(
        version, migration.name if migration else None, record[1] if record else None, changed
    )


def _check(
    migrations: list[Migration], applied: dict[str, tuple[str, datetime]], due: list[Migration]
) -> None:
    for migration in migrations:
        record = applied.get(migration.version)
        if record is not None and record[0] != migration.checksum:
            raise MigrationInvalid(
                f"{migration.name}: was applied on {record[1]:%Y-%m-%d} and has changed since. "
                "Put it back as it was and write a new migration."
            )
    if due and applied and due[0].version < max(applied):
        raise MigrationInvalid(
            f"{due[0].name}: comes before {max(applied)}, which is applied. Give it a new number."
        )


async def _apply(held: asyncpg.Connection, migration: Migration) -> None:
    try:
        async with held.transaction():
            await held.execute(migration.sql)
            await held.execute(
                "INSERT INTO schema_migrations (version, checksum) VALUES ($1, $2)",
                *(migration.version, migration.checksum),
            )
    except asyncpg.PostgresError as error:
        hint = f" ({error.hint})" if error.hint else ""
        raise MigrationInvalid(f"{migration.name}: {error}{hint}") from error


async def _applied(held: asyncpg.Connection) -> dict[str, tuple[str, datetime]]:
    rows = await held.fetch("SELECT version, checksum, applied_at FROM schema_migrations")
    return {row["version"]: (row["checksum"], row["applied_at"]) for row in rows}


@asynccontextmanager
async def _connection(url: str) -> AsyncIterator[asyncpg.Connection]:
    try:
        held = await asyncpg.connect(
            url, timeout=10, server_settings={"application_name": "cj-migrate"}
        )
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise StoreUnavailable(f"migrate: {error}") from error
    try:
        yield held
    finally:
        await held.close()

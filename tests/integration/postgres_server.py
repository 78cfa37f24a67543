"""An embedded PostgreSQL of a test's own, and a question to one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg

from local.servers.postgres import Postgres

if TYPE_CHECKING:
    from pathlib import Path

    from local.servers.found import Found


def server_on(home: Path, found: Found) -> Postgres:
    return Postgres(home, found=found, fsync=False)


async def asked(url: str, question: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()

"""The named queries: each is prepared against the migrated schema, has one name, and is used."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import asyncpg
import pytest
from cj.store.queries import FOLDER, all_queries, named, read_folder, read_queries

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Database

USED = re.compile(r'\bnamed\(\s*"(\w+)"\s*\)')
SOURCES = FOLDER.parent


async def test_every_query_prepares_on_the_migrated_schema(database: Database) -> None:
    connection = await asyncpg.connect(database.app_url)
    try:
        for query in all_queries().values():
            await connection.prepare(query.sql)
    finally:
        await connection.close()
    assert len(all_queries()) > 10


def test_every_query_is_used_and_every_used_one_exists() -> None:
    used = {name for path in SOURCES.glob("*.py") for name in USED.findall(path.read_text())}
    assert used == set(all_queries())


def test_every_query_says_what_it_promises() -> None:
    assert [q.name for q in all_queries().values() if not q.promise.endswith(".")] == []


def test_a_name_given_twice_is_refused(tmp_path: Path) -> None:
    for file in ("a.sql", "b.sql"):
        (tmp_path / file).write_text("-- name: one\n-- Gives one.\nSELECT 1;")
    with pytest.raises(ValueError, match=r"b\.sql: the name one is taken"):
        read_folder(tmp_path)


def test_a_query_is_read_with_its_promise_and_its_mark() -> None:
    first, second = read_queries(
        "-- name: one\n-- Gives one.\n-- repeatable\nSELECT 1;\n\n"
        "-- name: two\n-- Gives two.\nSELECT 2;"
    )
    assert (first.name, first.promise, first.sql, first.repeatable) == (
        *("one", "Gives one.", "SELECT 1", True),
    )
    assert not second.repeatable


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1;",
        "-- name: one\nSELECT 1;",
        "-- name: one\n-- Gives.\nSELECT 1",
        "SELECT 1; -- name: one\n-- Gives.\nSELECT 1;",
    ],
)
def test_what_is_no_named_query_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a named query"):
        read_queries(text)


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(KeyError):
        named("no_such_query")

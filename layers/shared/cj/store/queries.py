"""Named queries from store/sql/*.sql.

A query starts with `-- name: ...` and one comment line that says what it promises. A second line
`-- repeatable` marks it safe to run again when nobody knows whether it ran.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "sql"
_QUERY = re.compile(
    r"-- name: (?P<name>\w+)\n-- (?P<promise>.+)\n(?P<repeatable>-- repeatable\n)?"
    r"(?P<sql>[^;]+;)\s*"
)


@dataclass(frozen=True, slots=True)
class Query:
    """One statement; `repeatable`: running it twice has the effect and answer of once."""

    name: str
    promise: str
    sql: str
    repeatable: bool


def read_queries(text: str) -> list[Query]:
    """Every query of a file. Raises ValueError where something stands that is none."""
    found, end = [], 0
    for match in _QUERY.finditer(text):
        if match.start() != end:
            break
        end = match.end()
        repeatable = match["repeatable"] is not None
        found.append(Query(match["name"], match["promise"], match["sql"].strip("; \n"), repeatable))
    if end != len(text):
        raise ValueError(f"not a named query: {text[end : end + 60]!r}")
    return found


@functools.cache
def all_queries() -> dict[str, Query]:
    """Every query by its name, read at first use."""
    return read_folder(FOLDER)


def read_folder(folder: Path) -> dict[str, Query]:
    """The queries of every file by their names. Raises ValueError for a name given twice."""
    queries: dict[str, Query] = {}
    for path in sorted(folder.glob("*.sql")):
        for query in read_queries(path.read_text("utf-8")):
            if query.name in queries:
                raise ValueError(f"{path.name}: the name {query.name} is taken")
            queries[query.name] = query
    return queries


def named(name: str) -> Query:
    """The query of that name."""
    return all_queries()[name]

"""What is left when everything is quiet: the rows, what the API shows, what the tabs were told."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import httpx

from tests.chaos import diary
from tests.chaos.checker import Room

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.chaos.checker import Row
    from tests.chaos.crowd import Crowd
    from tests.chaos.history import Frame, Record
    from tests.chaos.stage import Stage

PAGE = 100
AT_ONCE = 6
_NOWHERE = {"last_seq": 0, "turn_id": None}  # a conversation that is lost altogether


async def rooms(stage: Stage, crowd: Crowd) -> list[Room]:
    """Every conversation of the crowd's, for the checker."""
    cookies = {record.cid: seat.cookie for seat in crowd.seats for record in seat.records}
    conversations = await _by_cid(stage, "SELECT *, id AS conversation_id FROM conversations")
    rows = await _by_cid(stage, "SELECT * FROM messages ORDER BY conversation_id, seq")
    try:
        shown = await _shown(stage.url, cookies)
    except httpx.HTTPStatusError as error:
        raise AssertionError("\n".join([str(error), *stage.complaints()[-5:]])) from error
    records: dict[str, list[Record]] = defaultdict(list)
    for record in crowd.records():
        records[record.cid].append(record)
    spans = diary.spans(stage.diary)
    return [
        Room(
            cid,
            next(iter(conversations[cid]), _NOWHERE),
            rows[cid],
            shown[cid],
            records[cid],
            [span for span in spans if span.cid == cid],
            stage.redis_lost_at,
        )
        for cid in cookies
    ]


async def _by_cid(stage: Stage, query: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for record in await stage.sql(query):
        row = {name: _plain(value) for name, value in record.items()}
        found[row["conversation_id"]].append(row)
    return found


def _plain(value: Any) -> Any:
    """Ids as people write them."""
    return str(value) if type(value).__name__ == "UUID" else value


async def _shown(url: str, cookies: dict[str, str]) -> dict[str, list[Frame]]:
    """All pages of every conversation, as its owner reads them."""
    gate = asyncio.Semaphore(AT_ONCE)
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as http:

        async def read(cid: str, cookie: str) -> list[Frame]:
            messages: list[Frame] = []
            more = True
            async with gate:
                while more:
                    reply = await http.get(
                        f"/api/v1/conversations/{cid}",
                        params={"limit": PAGE, "after_seq": messages[-1]["seq"] if messages else 0},
                        headers={"Cookie": cookie},
                    )
                    if reply.status_code == 404:
                        return []
                    page = reply.raise_for_status().json()
                    messages += page["messages"]
                    more = page["more"]
            return messages

        pages = await asyncio.gather(*(read(*asked) for asked in cookies.items()))
        return dict(zip(cookies, pages, strict=True))


async def strangers_see(url: str, cids: Iterable[str], cookie: str) -> list[str]:
    """The conversations that somebody else can read: none."""
    async with httpx.AsyncClient(
        base_url=url, trust_env=False, timeout=30, headers={"Cookie": cookie}
    ) as http:
        replies = {cid: await http.get(f"/api/v1/conversations/{cid}") for cid in cids}
    return [cid for cid, reply in replies.items() if reply.status_code != 404]

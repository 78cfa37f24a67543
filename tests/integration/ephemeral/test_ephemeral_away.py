"""Without Redis: who only makes things faster says nothing, who keeps things says so."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from cj.domain.turns import Caller
from cj.ephemeral import Buffer, Callers, Ephemeral, Limits, Live, Outage, Rate, Recent
from cj.errors import EphemeralUnavailable

from tests.integration.ephemeral.away import gone
from tests.integration.ephemeral.said import OWNER, WORKFLOW, answer, row, said

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

CID, TURN = uuid4(), uuid4()
CALLER = Caller("conn=", OWNER, None, "hash")
RATE = Rate.per_minute(20, 5)


def parts(away: Ephemeral) -> tuple[Callers, Live, Recent, Buffer, Limits, Outage]:
    return (
        Callers(away),
        Live(away),
        Recent(away, 3600, 15),
        Buffer(away),
        Limits(away),
        Outage(away),
    )


async def test_who_makes_things_faster_is_a_miss() -> None:
    callers, live, recent, buffer, limits, outage = parts(Ephemeral(gone))
    misses: list[tuple[Awaitable[object], object]] = [
        (callers.remember(CALLER), None),
        (callers.remember(CALLER, confirmed=False), None),
        (callers.find("conn="), None),
        (callers.session("hash"), None),
        (callers.revoke("hash"), None),
        (callers.forget("conn="), None),
        (callers.bad_frame("conn="), 0),
        (callers.good_frame("conn="), None),
        (live.watch(CID, "conn="), None),
        (live.unwatch(CID, "conn="), None),
        (live.watchers(CID), set()),
        (live.append(CID, TURN, 1, 0, ["x"]), None),
        (live.chunks(CID, TURN, 1), None),
        (live.stop(CID, TURN), None),
        (live.forget_conversation(CID), None),
        (recent.read(CID), None),
        (recent.keep(CID, OWNER, WORKFLOW, [row(1)]), None),
        (recent.fill(CID, OWNER, WORKFLOW, [row(1)]), None),
        (recent.forget(CID), None),
        (buffer.claim(CID, "token", 20), None),
        (buffer.holder(CID), None),
        (limits.take("talk", OWNER, RATE), 0),
        (limits.give_back("talk", OWNER, RATE), None),
        (outage.known(), False),
        (outage.happened(), None),
        (outage.over(), None),
    ]
    for asked, miss in misses:
        assert await asked == miss


@pytest.mark.parametrize(
    "verb",
    [
        lambda buffer: buffer.say(CID, OWNER, said(), None, 5),
        lambda buffer: buffer.take(CID, "token", 20),
        lambda buffer: buffer.hold(CID, "token", 20),
        lambda buffer: buffer.finish(CID, "token", answer(TURN)),
        lambda buffer: buffer.release(CID, "token"),
        lambda buffer: buffer.pending(CID),
        lambda buffer: buffer.drained(CID, ["1-1"], [], 7),
        lambda buffer: buffer.quarantine(CID, ["1-1"]),
        lambda buffer: buffer.indexed(10),
        lambda buffer: buffer.unsaved(CID),
    ],
    ids=[
        "say",
        "take",
        "hold",
        "finish",
        "release",
        "pending",
        "drained",
        "quarantine",
        "indexed",
        "unsaved",
    ],
)
async def test_who_keeps_things_says_that_it_cannot(
    verb: Callable[[Buffer], Awaitable[object]],
) -> None:
    away = Ephemeral(gone)
    for _ in range(2):  # the second time within the pause
        with pytest.raises(EphemeralUnavailable):
            await verb(Buffer(away))
    assert away.down

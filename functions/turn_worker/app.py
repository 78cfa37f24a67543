"""Asynchronous invoke, ids only: one turn of CJ."""

from typing import Any
from uuid import UUID

from cj.flows.turn import TurnEvent
from cj.handlers import OK, Reply, job_handler
from cj.runtime import app


@job_handler
async def handler(event: dict[str, Any], time_left_s: float) -> Reply:
    turn = TurnEvent(UUID(event["cid"]), UUID(event["turn"]), int(event["fence"]))
    app().journal.note(cid=event["cid"], turn=event["turn"])
    await app().turns.run(turn, time_left_s)
    return OK

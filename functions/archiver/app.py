"""On a schedule: delete what has expired. Says what it did."""

from typing import Any

from cj.handlers import Reply, job_handler
from cj.runtime import app


@job_handler
async def handler(_event: dict[str, Any], time_left_s: float) -> Reply:
    return await app().sweeper.run(time_left_s)

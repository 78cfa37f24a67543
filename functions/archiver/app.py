"""On a schedule: delete what has expired. Says what it did."""

from typing import Any

from cj.runtime import Reply, app, job_handler


@job_handler
async def handler(_event: dict[str, Any], time_left_s: float) -> Reply:
    return await app().sweeper.run(time_left_s)

"""A step of the deployment: bring the schema up to date from inside the VPC."""

from typing import Any

from cj.handlers import Reply, job_handler
from cj.runtime import app, owner_url
from cj.store.migrate import migrate


@job_handler
async def handler(_event: dict[str, Any], _time_left_s: float) -> Reply:
    return {"applied": await migrate(owner_url(app().settings))}

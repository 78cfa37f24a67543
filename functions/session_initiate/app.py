"""Internal: a shop was connected, so CJ's first message should wait when the page opens."""

from typing import Any

from cj.domain.handoffs import CallerRefused, is_session_of, read_handoff
from cj.http import http_handler, make_api
from cj.runtime import app
from cj.settings import required
from fastapi import Request


async def from_the_callback(request: Request) -> None:
    """API Gateway has checked the signature; whose it is decides here. Raises CallerRefused."""
    role = required(app().settings.handoff_caller_role, "HANDOFF_CALLER_ROLE")
    context = request.scope["aws.event"]["requestContext"]
    caller = context.get("authorizer", {}).get("iam", {}).get("userArn")
    if not is_session_of(caller, role):
        raise CallerRefused


api = make_api("CJ: hand-off", from_the_callback)
handler = http_handler(api)


@api.post("/internal/session/initiate")
async def initiate(request: Request) -> dict[str, Any]:
    """Says whether CJ has greeted already. Again: the same greeting."""
    asked = read_handoff(await request.body())
    app().journal.follow(request.headers.get("x-correlation-id", ""))
    asked_at = request.scope["aws.event"]["requestContext"]["timeEpoch"] / 1000
    greeted = await app().greeting.prepare(asked, asked_at)
    return {"conversation_id": str(asked.conversation_id), "greeted": greeted}

"""$connect: who is this? The session cookie and the Origin decide. Never posts."""

from cj.domain.cookies import session_cookie
from cj.handlers import OK, Reply, WsEvent, answer_status, ws_handler
from cj.runtime import app


@ws_handler(answer_status)
async def handler(event: WsEvent) -> Reply:
    token = event.cookie(session_cookie(secure=app().settings.secure_cookies))
    origin = event.headers.get("origin")
    await app().door.admit(event.connection_id, token, origin, event.address)
    return OK

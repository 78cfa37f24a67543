"""$connect: who is this? The session cookie and the Origin decide. Never posts."""

from cj.domain.cookies import session_cookie
from cj.runtime import OK, Reply, WsEvent, answer_status, app, ws_handler


@ws_handler(answer_status)
async def handler(event: WsEvent) -> Reply:
    token = event.cookie(session_cookie(secure=app().settings.secure_cookies))
    await app().door.admit(event.connection_id, token, event.headers.get("origin"))
    return OK

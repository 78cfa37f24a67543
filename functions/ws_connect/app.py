"""$connect: who is this? The session cookie and the Origin decide. Never posts."""

from cj.domain.addresses import counted_address
from cj.domain.cookies import session_cookie
from cj.handlers import OK, Reply, WsEvent, answer_status, ws_handler
from cj.runtime import app


@ws_handler(answer_status)
async def handler(event: WsEvent) -> Reply:
    settings = app().settings
    token = event.cookie(session_cookie(secure=settings.secure_cookies))
    address = counted_address(event.address, event.headers, settings.origin_secrets)
    await app().door.admit(event.connection_id, token, event.headers.get("origin"), address)
    return OK

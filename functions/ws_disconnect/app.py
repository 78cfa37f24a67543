"""$disconnect: forget the connection. Best effort; nothing depends on it."""

from cj.handlers import OK, Reply, WsEvent, answer_status, ws_handler
from cj.runtime import app


@ws_handler(answer_status)
async def handler(event: WsEvent) -> Reply:
    await app().door.forget(event.connection_id)
    return OK

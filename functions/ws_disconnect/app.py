"""$disconnect: forget the connection. Best effort; nothing depends on it."""

from cj.runtime import OK, Reply, WsEvent, answer_status, app, ws_handler


@ws_handler(answer_status)
async def handler(event: WsEvent) -> Reply:
    await app().door.forget(event.connection_id)
    return OK

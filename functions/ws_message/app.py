"""$default: one frame from the browser, answered as a stream of frames."""

from cj.domain.frames import parse_frame
from cj.handlers import OK, Reply, WsEvent, answer_frame, ws_handler
from cj.runtime import app


@ws_handler(answer_frame)
async def handler(event: WsEvent) -> Reply:
    limits = app().settings
    frame = parse_frame(
        event.body,
        text_chars=limits.limit_text_chars,
        text_bytes=limits.limit_text_bytes,
        frame_bytes=limits.limit_frame_bytes,
    )
    caller = await app().door.caller(event.connection_id)
    await app().chat.receive(caller, frame)  # durable before it is visible
    return OK

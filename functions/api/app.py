"""The page's HTTP API: who am I, and what did we talk about."""

from typing import Annotated, Any
from uuid import UUID

from cj.http import (
    SignedIn,
    clear_session_cookie,
    cookie_of,
    from_our_page,
    http_handler,
    make_api,
    set_session_cookie,
)
from cj.runtime import app
from fastapi import Query, Request, Response

api = make_api("CJ", from_our_page)
handler = http_handler(api)

Limit = Annotated[int, Query(ge=1, le=100)]
AfterSeq = Annotated[int, Query(ge=0, le=2**31 - 1)]
Cursor = Annotated[str | None, Query(max_length=200)]


@api.get("/api/v1/session")
async def session(request: Request, response: Response) -> dict[str, Any]:
    """Says who one is; a browser without a session gets an anonymous one."""
    visitor, token = await app().visitors.welcome(cookie_of(request))
    if token is not None:
        set_session_cookie(response, token)
    user = {"id": visitor.user_id} if visitor.user_id else None
    shop = {"domain": visitor.shop_domain} if visitor.shop_domain else None
    return {"user": user, "shop": shop}


@api.delete("/api/v1/session", status_code=204)
async def leave(request: Request, response: Response) -> None:
    """Signs out: the session is over for good, and its sockets are closed."""
    await app().visitors.leave(cookie_of(request), app().push)
    clear_session_cookie(response)


@api.get("/api/v1/conversations")
async def conversations(me: SignedIn, limit: Limit = 20, cursor: Cursor = None) -> dict[str, Any]:
    """My conversations, newest first."""
    return await app().history.list(me.owner_id, limit, cursor)


@api.get("/api/v1/conversations/{conversation_id}")
async def conversation(
    me: SignedIn, conversation_id: UUID, after_seq: AfterSeq = 0, limit: Limit = 50
) -> dict[str, Any]:
    """One of my conversations with its messages."""
    return await app().history.read(me.owner_id, conversation_id, after_seq, limit)

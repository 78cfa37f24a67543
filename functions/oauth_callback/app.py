"""Connecting a shop: to Shopify's consent page, and back from there into the chat."""

import re
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from cj.domain.handoffs import local_path
from cj.errors import CJError
from cj.http import address_of, cookie_of, http_handler, make_api, refuse, set_session_cookie
from cj.pages import INSTALL, connect_page, headers, problem_page
from cj.runtime import app
from cj.shopify.errors import ShopInvalid
from fastapi import Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

api = make_api("CJ: connecting a shop")
handler = http_handler(api)

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
Text = Annotated[str, Query()]


@api.get("/api/v1/shopify/install")
async def install(
    request: Request,
    shop: Text = "",
    conversation_id: Text = "",
    return_to: Text = "",
    mode: Text = "",
) -> Response:
    """Sends the browser to Shopify, or says where to go; without a shop it asks for one."""
    if elsewhere := _under_public_name(request):
        return _sent_to(elsewhere, mode)
    kept = _kept(conversation_id, return_to)
    if not shop and mode != "json":
        return _page(connect_page(kept))
    begun = await app().installs.begin(
        cookie_of(request),
        shop,
        _uuid(conversation_id),
        kept.get("return_to"),
        address_of(request),
    )
    response = _sent_to(begun.url, mode)
    if begun.cookie is not None:
        set_session_cookie(response, begun.cookie)
    return response


@api.get("/api/v1/shopify/callback")
async def callback(request: Request) -> Response:
    """The merchant comes back from Shopify, and goes on to the chat as a user."""
    query = request.query_params.multi_items()
    connected = await app().installs.complete(query, cookie_of(request), address_of(request))
    response = RedirectResponse(connected.path, 302)
    set_session_cookie(response, connected.cookie)
    return response


@api.exception_handler(CJError)
async def refuse_with_a_page(request: Request, error: CJError) -> Response:
    """People get a page, the page's script gets what every script gets."""
    refused = await refuse(request, error)
    query = request.query_params
    if query.get("mode") == "json":
        return refused
    if isinstance(error, ShopInvalid) and request.url.path.endswith("/install"):
        kept = _kept(query.get("conversation_id", ""), query.get("return_to", ""))
        page = connect_page(kept, query.get("shop", "")[:200], f"{error.message} Try again.")
    else:
        page = problem_page("Your store was not connected", error.message)
    return _page(page, refused.status_code, refused.headers.get("retry-after"))


@api.exception_handler(Exception)
async def fail_with_a_page(_request: Request, _error: Exception) -> Response:
    """What it was is in the log."""
    return _page(problem_page("Your store was not connected", CJError.message), 500)


def _sent_to(url: str, mode: str) -> Response:
    return JSONResponse({"url": url}) if mode == "json" else RedirectResponse(url, 302)


def _under_public_name(request: Request) -> str | None:
    """The address to use instead of this one, on a machine that was called by its other name.

    Shopify sends the browser back to PUBLIC_URL, where a cookie of another name is not sent.
    """
    public = app().settings.public_url
    here, there = _name(request.headers.get("host", "")), _name(public.partition("//")[2])
    if here == there or not {here, there} <= _LOOPBACK:
        return None
    query = [(name, text) for name, text in request.query_params.multi_items() if name != "mode"]
    return f"{public}{INSTALL}{'?' if query else ''}{urlencode(query)}"


def _name(host: str) -> str:
    return re.sub(r":\d+$", "", host).lower()


def _page(html: str, status: int = 200, retry_after: str | None = None) -> Response:
    told = {"Retry-After": retry_after} if retry_after else {}
    return HTMLResponse(html, status, {**headers(app().settings.shopify_base_url), **told})


def _kept(conversation_id: str, return_to: str) -> dict[str, str]:
    """What goes along with the form: nothing that we would not take from it."""
    cid, path = _uuid(conversation_id), local_path(return_to)
    kept = {"conversation_id": str(cid) if cid else "", "return_to": path or ""}
    return {name: value for name, value in kept.items() if value}


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if len(text) == 36 else None
    except ValueError:
        return None

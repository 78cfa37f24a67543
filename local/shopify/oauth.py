"""How an application gets into a shop: consent of a person, then a code, then tokens."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.responses import JSONResponse, RedirectResponse

from local.shopify import pages
from local.shopify.faults import TOKEN
from local.shopify.faulty import answered
from local.shopify.signing import sign_query
from local.shopify.tokens import ACCESS_S, REFRESH_S, Refused, Tokens

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from local.shopify.world import Grant, Shop, World

_BODY_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Asked:
    """What an application wants of a shop, found in order."""

    shop: Shop
    scopes: list[str]
    redirect_uri: str
    state: str


@dataclass(slots=True)
class OAuth:
    """`redirect_uris` are compared as they are. `auto_approve` asks nobody."""

    world: World
    redirect_uris: frozenset[str]
    auto_approve: bool = False
    _asked: dict[str, Asked] = field(default_factory=dict)  # consent pages that are open

    async def authorize(self, request: Request) -> Response:
        """The consent page; nobody is asked again for what the shop has granted already."""
        shop = self.world.shop(request.path_params["shop"])
        asked = self._read(shop, request)
        if isinstance(asked, str):
            return pages.refused(shop, asked)
        granted = shop.installed and covers(shop.scopes, asked.scopes)
        if self.auto_approve or granted:
            return RedirectResponse(self._callback(asked), 302)
        ticket = secrets.token_hex(16)
        self._asked[ticket] = asked
        return pages.consent(asked, ticket)

    async def decide(self, request: Request) -> Response:
        """What the person pressed. A ticket is good for one decision."""
        shop = self.world.shop(request.path_params["shop"])
        form = await form_of(request)
        asked = self._asked.pop(form.get("ticket", ""), None)
        if asked is None or asked.shop.domain != shop.domain:
            return pages.refused(shop, "This page has been answered already. Start again.")
        if form.get("decision") != "approve":
            return pages.cancelled(shop)
        return RedirectResponse(self._callback(asked), 303)

    async def token(self, request: Request) -> Response:
        """Exchanges a code or a refresh token."""
        shop = self.world.shop(request.path_params["shop"])
        fault = self.world.faults.take(TOKEN, shop.domain)

        async def answer() -> Response:
            fewer = fault is not None and fault.kind == "fewer_scopes"
            try:
                grant = self._grant(shop, await _token_request(request), fewer=fewer)
            except Refused as refused:
                status = 401 if refused.error == "invalid_client" else 400
                told = {"error": refused.error, "error_description": refused.description}
                return JSONResponse(told, status)
            return JSONResponse(_told(grant, shop), headers={"Cache-Control": "no-store"})

        return await answered(fault, answer)

    def _read(self, shop: Shop, request: Request) -> Asked | str:
        """Or what Shopify's error page says."""
        query = request.query_params
        if query.get("client_id") != self.world.memory.api_key:
            return "Oauth error invalid_request: Could not find Shopify API application"
        if query.get("redirect_uri", "") not in self.redirect_uris:
            return "Oauth error invalid_request: The redirect_uri is not whitelisted"
        scopes = [s.strip() for s in query.get("scope", "").split(",") if s.strip()]
        if not scopes or any(not s.replace("_", "").isalnum() for s in scopes):
            return "Oauth error invalid_scope: The access scope is invalid"
        state = query.get("state", "")
        return Asked(shop, without_implied(scopes), query["redirect_uri"], state)

    def _callback(self, asked: Asked) -> str:
        """The address that carries the code, signed."""
        memory = self.world.memory
        name = asked.shop.domain.partition(".")[0]
        host = base64.b64encode(f"admin.shopify.com/store/{name}".encode()).decode()
        parameters = {
            "code": Tokens(self.world).code(asked.shop, asked.scopes),
            "host": host.rstrip("="),
            "shop": asked.shop.domain,
            "state": asked.state,
            "timestamp": str(int(self.world.clock.wall())),
        }
        signed = {**parameters, "hmac": sign_query(parameters, memory.api_secret)}
        joint = "&" if urlsplit(asked.redirect_uri).query else "?"
        return f"{asked.redirect_uri}{joint}{urlencode(sorted(signed.items()))}"

    def _grant(self, shop: Shop, given: dict[str, str], *, fewer: bool) -> Grant:
        memory = self.world.memory
        known = (memory.api_key, memory.api_secret)
        if (given.get("client_id"), given.get("client_secret")) != known:
            raise Refused("invalid_client", "The client credentials are not valid")
        tokens = Tokens(self.world)
        match given.get("grant_type", "authorization_code"):
            case "authorization_code":
                expiring = given.get("expiring") in ("1", "true")
                return tokens.exchange(shop, given.get("code", ""), expiring=expiring, fewer=fewer)
            case "refresh_token":
                return tokens.refresh(shop, given.get("refresh_token", ""))
        raise Refused("unsupported_grant_type", "The grant type is not supported")


def covers(granted: list[str], asked: list[str]) -> bool:
    """Whoever may write may read."""
    reads = {s.replace("write_", "read_", 1) for s in granted if s.startswith("write_")}
    return set(asked) <= reads | set(granted)


def without_implied(scopes: list[str]) -> list[str]:
    """Shopify does not name read_x beside write_x."""
    unique = list(dict.fromkeys(scopes))
    return [s for s in unique if not (s[:5] == "read_" and f"write_{s[5:]}" in unique)]


async def form_of(request: Request) -> dict[str, str]:
    """A posted form, the last value of each name. Larger ones are cut off and so are not whole."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _BODY_BYTES:
            break
    return dict(parse_qsl(body[:_BODY_BYTES].decode("latin-1"), keep_blank_values=True))


async def _token_request(request: Request) -> dict[str, str]:
    """Shopify takes a form and JSON alike."""
    if not request.headers.get("content-type", "").startswith("application/json"):
        return await form_of(request)
    try:
        given: Any = json.loads(await request.body())
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise Refused("invalid_request", "The request body is not a JSON object")
    return {str(key): str(value) for key, value in given.items()}


def _told(grant: Grant, shop: Shop) -> dict[str, Any]:
    """Exactly Shopify's fields."""
    told: dict[str, Any] = {"access_token": grant.access_token, "scope": ",".join(shop.scopes)}
    if grant.refresh_token:
        told |= {
            "expires_in": ACCESS_S,
            "refresh_token": grant.refresh_token,
            "refresh_token_expires_in": REFRESH_S,
        }
    return told

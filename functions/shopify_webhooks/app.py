"""Webhooks: an uninstalled app, changed scopes, and what privacy law asks for."""

from cj.http import http_handler, make_api
from cj.runtime import app
from fastapi import Request

api = make_api("CJ: webhooks")
handler = http_handler(api)


@api.post("/api/v1/shopify/webhooks")
async def receive(request: Request) -> dict[str, str]:
    """Says what became of it. What is not from Shopify is 401; what cannot be kept, 503."""
    return {"outcome": await app().webhooks.receive(await request.body(), request.headers)}

"""The web page: a folder with index.html, the way a CDN in front of the APIs would serve it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.responses import Response
    from starlette.types import Scope

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_HASHED = re.compile(r"assets/.*-[A-Za-z0-9_-]{8}\.[a-z0-9]+(\.map)?$")
_FOR_EVER = "public, max-age=31536000, immutable"


class StaticPage(StaticFiles):
    """Files of one folder; a path without a dot that names none is the page itself."""

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder, check_dir=False)

    async def respond(self, scope: Scope) -> Response:
        """The answer to a GET or HEAD; starlette's HTTPException where there is nothing."""
        return await self.get_response(self.get_path(scope), scope)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """A file, or index.html for the page's own routes; only hashed names are kept for ever."""
        found = path if path != "." else "index.html"
        try:
            response = await super().get_response(found, scope)
        except HTTPException as error:
            if error.status_code != 404 or "." in path:
                raise
            found = "index.html"
            response = await super().get_response(found, scope)
        cached = _FOR_EVER if _HASHED.fullmatch(found) else "no-cache"
        response.headers["Cache-Control"] = cached
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"
        return response

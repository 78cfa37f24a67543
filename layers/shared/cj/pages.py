"""The few pages that no script makes: the form that starts an installation, and what went wrong."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

INSTALL = "/api/v1/shopify/install"

_STYLE = """
:root { color-scheme: light dark; font: 17px/1.5 system-ui, sans-serif; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; }
main { width: min(30rem, calc(100vw - 3rem)); padding: 2rem 0; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .75rem; }
p { margin: 0 0 1.25rem; }
label { display: block; font-weight: 600; margin-bottom: .25rem; }
input, button { font: inherit; box-sizing: border-box; width: 100%; padding: .6rem .75rem;
  border: 1px solid #767676; border-radius: .5rem; margin-bottom: .75rem; }
button { background: #14532d; border-color: #14532d; color: #fff; font-weight: 600; }
button:focus-visible, input:focus-visible, a:focus-visible { outline: 3px solid #4ade80;
  outline-offset: 2px; }
small { display: block; margin: -.5rem 0 .75rem; }
a { color: inherit; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()


def headers(shopify_url: str | None) -> dict[str, str]:
    """What keeps a page from being more than it is. The form leads on to Shopify, wherever the
    merchant signs in there; `shopify_url` is set where Shopify is on this machine.
    """
    simulated = f" {_origin(shopify_url)}" if shopify_url else ""
    policy = (
        "default-src 'none'",
        f"style-src 'sha256-{_STYLE_HASH}'",
        f"form-action 'self' https:{simulated}",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
    return {
        "Content-Security-Policy": "; ".join(policy),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }


def connect_page(kept: Mapping[str, str], typed: str = "", problem: str = "") -> str:
    """The form. `kept` goes along unseen; `problem` says why it is shown again."""
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in kept.items()
    )
    said = f'<p role="alert">{escape(problem)}</p>' if problem else ""
    return _document(
        "Connect your Shopify store",
        f"""{said}<form action="{INSTALL}" method="get">{hidden}
<label for="shop">Store name</label>
<input id="shop" name="shop" value="{escape(typed)}" placeholder="your-store.myshopify.com"
  required maxlength="200" autocapitalize="none" autocomplete="off" spellcheck="false">
<small>The name or the address of your store, as you see it in its admin.</small>
<button>Connect</button></form>""",
    )


def problem_page(title: str, problem: str) -> str:
    """What went wrong, in words for a merchant, and the way on."""
    return _document(
        title,
        f'<p role="alert">{escape(problem)}</p>'
        f'<p><a href="{INSTALL}">Try again</a> &middot; <a href="/chat">Go to CJ</a></p>',
    )


def _document(title: str, content: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · CJ</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{content}</main></body></html>"
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"

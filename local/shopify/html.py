"""HTML in which text is always text: only what these functions made is markup."""

from __future__ import annotations

from html import escape
from typing import Any

from starlette.responses import HTMLResponse

_VOID = {"input", "link", "meta"}


class Markup(str):
    """Markup that needs no escaping any more."""

    __slots__ = ()


def el(name: str, /, *children: str | None, **attributes: str | int | bool | None) -> Markup:
    """An element. `class_` and `for_` lose their underscore; True is an attribute without value."""
    written = "".join(
        f" {key.rstrip('_').replace('_', '-')}"
        + ("" if value is True else f'="{escape(str(value))}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{joined(*children)}</{name}>")


def joined(*parts: str | None) -> Markup:
    """One after the other; plain text is escaped, None is nothing."""
    return Markup(
        "".join(p if isinstance(p, Markup) else escape(p) for p in parts if p is not None)
    )


def form(verb: str, /, *children: str | None, back: str = "/", **hidden: Any) -> Markup:
    """A form that presses the button of a verb."""
    fields = {"back": back, **hidden}
    inputs = [el("input", type="hidden", name=n, value=str(v)) for n, v in fields.items()]
    return el("form", *inputs, *children, method="post", action=f"/do/{verb}", class_="row")


def document(
    title: str, *body: str | None, status: int = 200, form_targets: str = ""
) -> HTMLResponse:
    """A whole page that loads nothing but its own style and sends forms nowhere else."""
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("title", title),
        el("link", rel="stylesheet", href="/style.css"),
    )
    page = el("html", head, el("body", el("main", *body)), lang="en")
    policy = (
        "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action 'self'{form_targets and ' ' + form_targets}"
    )
    headers = {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return HTMLResponse(f"<!DOCTYPE html>{page}", status, headers)

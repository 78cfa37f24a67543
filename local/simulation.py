"""The simulated Shopify beside `cj run`, unless the shell names a real application's settings."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from local.printer import Printer
    from local.shopify.app import Simulator

_REAL = ("SHOPIFY_API_KEY", "SHOPIFY_API_SECRET", "SHOPIFY_BASE_URL")


@asynccontextmanager
async def simulated_shopify(
    folder: Path, app_url: str, environ: Mapping[str, str], printer: Printer
) -> AsyncIterator[Simulator | None]:
    """None where Shopify is somebody else's business."""
    named = [name for name in _REAL if environ.get(name)]
    if named:
        printer.step("shopify (yours)", f"as {named[0]} says")
        yield None
        return
    from local.shopify.app import Options, Simulator

    app_url = environ.get("PUBLIC_URL") or app_url
    try:
        simulator = Simulator(Options(app_url=app_url, folder=folder))
    except ValueError as error:
        printer.warn(f"  No simulated Shopify: PUBLIC_URL {error}.")
        yield None
        return
    async with simulator:
        printer.step("simulated shopify", f"at {simulator.url}")
        yield simulator


def shopify_settings(simulator: Simulator | None) -> dict[str, str]:
    """What the application needs to know of it."""
    if simulator is None:
        return {}
    return {
        "SHOPIFY_API_KEY": simulator.api_key,
        "SHOPIFY_API_SECRET": simulator.api_secret,
        "SHOPIFY_BASE_URL": simulator.url,
    }

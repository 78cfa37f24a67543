"""Everything at once: servers, migrations, the gateway and whoever wants to know about them."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from local.data_folder import DataFolder, State
from local.servers.process import free_port
from local.simulation import shopify_settings, simulated_shopify
from local.stores import started

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from local.gateway.app import Gateway
    from local.gateway.model import Function, Model
    from local.printer import Printer
    from local.shopify.app import Simulator
    from local.stores import Stores

_SLOW_IMPORTS = ("local.gateway.app", "cj.settings", "cj.store.migrate", "local.shopify.app")
_MIGRATES = "MigrateFunction"  # the only one that gets the owner's URL
_OWNER_S = "DATABASE_MIGRATION_URL"


@dataclass(frozen=True, slots=True)
class Plan:
    """What `cj run` was asked for."""

    template: Path
    data_dir: Path
    port: int = 8000  # 0: a free one
    reload: bool = True
    warm: bool = True  # a process of every function before anybody asks for one


async def serve(plan: Plan, printer: Printer, environ: Mapping[str, str] = os.environ) -> None:
    """Serves until it is cancelled, and leaves nothing running."""
    folder = DataFolder(plan.data_dir)
    folder.take()
    importing = asyncio.create_task(asyncio.to_thread(_import_slow_ones))
    try:
        async with started(folder, environ, printer) as stores:
            await importing
            await _migrated(stores, printer)
            port = plan.port or free_port()
            here = f"http://127.0.0.1:{port}"
            async with simulated_shopify(folder.shopify, here, environ, printer) as shopify:
                environment = _environment(folder, stores, port, shopify, environ)
                async with _gateway(plan, port, environment, stores, printer) as gateway:
                    folder.tell(_state(gateway, stores, shopify))
                    _greet(gateway, shopify, printer)
                    warming = [gateway.warm()] if plan.warm else []
                    await asyncio.gather(*warming, stores.watch(printer))
    finally:
        folder.forget()
        folder.release()


def _greet(gateway: Gateway, shopify: Simulator | None, printer: Printer) -> None:
    printer.say(f"\n  CJ is at {gateway.url}", "bold")
    if shopify:
        printer.say(f"  The simulated Shopify is at {shopify.url}")
    printer.say("  Ctrl-C ends it.\n", "dim")


def _import_slow_ones() -> None:
    """While the servers start."""
    for name in _SLOW_IMPORTS:
        import_module(name)


async def _migrated(stores: Stores, printer: Printer) -> None:
    from cj.store.migrate import migrate

    began = time.monotonic()
    applied = await migrate(stores.migration_url)
    said = f"{len(applied)} applied" if applied else "up to date"
    printer.step("migrations", f"{said} in {time.monotonic() - began:.1f} s")


@asynccontextmanager
async def _gateway(
    plan: Plan, port: int, environment: Mapping[str, str], stores: Stores, printer: Printer
) -> AsyncIterator[Gateway]:
    from local.gateway.app import Gateway, Options

    began = time.monotonic()
    options = Options(
        template=plan.template,
        port=port,
        environment=environment,
        function_environment={
            _MIGRATES: {_OWNER_S: stores.migration_url, "DATABASE_MIGRATION_SECRET_ARN": ""}
        },
        static=_page(plan, printer),
        reload=plan.reload,
        report=printer.report,
    )
    async with Gateway(options) as gateway:
        printer.routed = _routed(gateway.model)
        printer.step(
            f"gateway with {len(gateway.model.functions)} functions",
            f"ready in {time.monotonic() - began:.1f} s",
        )
        yield gateway


def _environment(
    folder: DataFolder,
    stores: Stores,
    port: int,
    shopify: Simulator | None,
    environ: Mapping[str, str],
) -> dict[str, str]:
    """What the template leaves to the place it runs in. The shell has the last word."""
    from cj.settings import Settings

    here = f"http://127.0.0.1:{port}"
    ours = {
        "DATABASE_URL": stores.database_url,
        "DATABASE_SECRET_ARN": "",  # the URL is there, so nobody has to ask for a secret
        "REDIS_URL": stores.redis_url,
        "PUBLIC_URL": here,
        "ALLOWED_ORIGINS": f"{here},http://localhost:{port}",
        "WS_API_ENDPOINT": f"{here}/ws",
        "INTERNAL_API_URL": here,
        "AWS_ENDPOINT_URL_LAMBDA": here,
        "LOG_LEVEL": "INFO",
        "SHOPIFY_API_SECRET_ARN": "",  # nor for this one
        "ORIGIN_SECRET_ARN": "",  # nothing stands in front
        "TOKEN_KMS_KEY_ID": "",
        "TOKEN_KEY_FILE": _token_keys(folder.token_keys, environ),
        **shopify_settings(shopify),
    }
    settings = {*ours, *map(str.upper, Settings.model_fields)} - {_OWNER_S}
    return {**ours, **{name: environ[name] for name in settings if name in environ}}


def _token_keys(path: Path, environ: Mapping[str, str]) -> str:
    """Made at the first start and kept: what it sealed, only it opens."""
    from cj.shopify.keys import KeyFile

    if environ.get("TOKEN_KMS_KEY_ID"):
        return ""
    with suppress(FileExistsError):
        KeyFile.create(path)
    return str(path)


def _page(plan: Plan, printer: Printer) -> Path | None:
    """The built page's folder, beside the template."""
    page = plan.template.absolute().parent / "web" / "dist"
    if page.joinpath("index.html").is_file():
        return page
    printer.warn(f"  There is no page in {page}: `make run` builds it. The APIs are served anyway.")
    return None


def _routed(model: Model) -> frozenset[str]:
    """The names of the functions that a route leads to."""
    http = {route.function for api in model.http_apis for route in api.routes}
    sockets = {route.function for api in model.websocket_apis for route in api.routes.values()}
    return frozenset(model.functions[logical_id].name for logical_id in http | sockets)


def _state(gateway: Gateway, stores: Stores, shopify: Simulator | None) -> State:
    return State(
        pid=os.getpid(),
        port=gateway.port,
        url=gateway.url,
        credentials=asdict(gateway.credentials),
        functions={
            _short(function): function.name for function in gateway.model.functions.values()
        },
        migration_url=stores.migration_url,
        shopify_url=shopify.url if shopify else "",
    )


def _short(function: Function) -> str:
    """`archiver` for functions.archiver.app.handler; a handler elsewhere keeps its logical id."""
    parts = function.handler.split(".")
    return parts[1] if parts[0] == "functions" and len(parts) > 2 else function.logical_id

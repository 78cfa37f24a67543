"""Everything at once: servers, migrations, the gateway and whoever wants to know about them."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from local.data_folder import DataFolder, State
from local.servers.process import free_port
from local.stores import started, to_the_end

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from local.gateway.app import Gateway
    from local.gateway.model import Function, Model
    from local.printer import Printer
    from local.stores import Stores

_SLOW_IMPORTS = ("local.gateway.app", "cj.store.migrate")


@dataclass(frozen=True, slots=True)
class Plan:
    """What `cj run` was asked for."""

    template: Path
    data_dir: Path
    port: int = 8000  # 0: a free one
    reload: bool = True
    verbose: bool = False


async def serve(plan: Plan, printer: Printer, environ: Mapping[str, str] = os.environ) -> None:
    """Serves until it is cancelled, and leaves nothing running."""
    folder = DataFolder(plan.data_dir)
    folder.take()
    try:
        async with started(folder, environ, printer) as stores:
            await _migrated(stores, printer)
            async with _gateway(plan, stores, environ, printer) as gateway:
                folder.tell(_state(gateway, stores))
                printer.say(f"\n  CJ is at {gateway.url}", "bold")
                printer.say("  Ctrl-C ends it.\n", "dim")
                await stores.watch(printer)
    finally:
        folder.forget()
        folder.release()

"""One process: its settings, its loop, its parts. The only reader of the environment.

Nothing happens at import. One event loop, one database connection and one Redis client live as
long as the process.
"""

from __future__ import annotations

import asyncio
import functools
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from cj.errors import SettingsInvalid, StoreMisconfigured
from cj.logs import Journal, log_of
from cj.parts import App
from cj.settings import Settings, required

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")
THREADS = 32
log = log_of(__name__)


@functools.cache
def app() -> App:
    """This process's parts. Raises SettingsInvalid, which names what to set, and can be logged."""
    service = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "cj")
    try:
        settings = Settings.read(os.environ, _secret)
    except SettingsInvalid:
        Journal(service, "INFO")  # or nobody could write down what is wrong
        raise
    return App(settings, service, _secret)


def tell_the_operator(error: SettingsInvalid) -> None:
    """One line that names what to set; nobody else can do anything about it."""
    log.critical("a setting is wrong or missing", extra={"setting": str(error)})


def start_anew_after(error: Exception) -> None:
    """A database that refuses us may have a new password: the next invocation reads it again."""
    if isinstance(error, StoreMisconfigured):
        app.cache_clear()


def _secret(arn: str) -> str:
    from aws_lambda_powertools.utilities.parameters import GetParameterError, get_secret

    try:
        return str(get_secret(arn, force_fetch=True))
    except GetParameterError:
        raise SettingsInvalid("the secret is not there, or this role may not read it") from None


@functools.cache
def loop() -> asyncio.AbstractEventLoop:
    """The one loop. Mangum finds it as the current one."""
    made = asyncio.new_event_loop()
    # A post waits in a thread for as long as its browser is slow: threads enough for others.
    made.set_default_executor(ThreadPoolExecutor(THREADS))
    asyncio.set_event_loop(made)
    return made


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end on the process's loop."""
    return loop().run_until_complete(work)


def owner_url(settings: Settings) -> str:
    """The owner role's database, which only migrations use."""
    return required(settings.database_migration_url, "DATABASE_MIGRATION_URL")

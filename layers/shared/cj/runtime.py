"""The only place that builds things and reads the environment. Nothing happens at import.

One event loop, one database connection and one Redis client live as long as the process.
"""

from __future__ import annotations

import asyncio
import functools
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from cj.domain import replies
from cj.domain.frames import client_id
from cj.ephemeral import Ephemeral
from cj.ephemeral import connect as connect_redis
from cj.errors import CJError, ConnectionGone, SettingsInvalid, StoreMisconfigured
from cj.logs import Journal, log_of
from cj.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping

    from redis.asyncio import Redis, RedisCluster

    from cj.flows.chat import Chat
    from cj.flows.connect import Door, Visitors
    from cj.flows.history import History
    from cj.flows.sweep import Sweeper
    from cj.flows.turn import Turns
    from cj.push import Push, Worker
    from cj.store import Database

    WsWork = Callable[["WsEvent"], Awaitable["Reply"]]
    JobWork = Callable[[dict[str, Any], float], Coroutine[Any, Any, "Reply"]]
    Refuse = Callable[["WsEvent", CJError], Awaitable["Reply"]]

T = TypeVar("T")
log = log_of(__name__)


class App:
    """Everything one process uses, each part built when it is first asked for."""

    def __init__(self, settings: Settings, service: str) -> None:
        self.settings = settings
        self.journal = Journal(service, settings.log_level)
        self._redis: Redis | RedisCluster | None = None
        self._redis_first = asyncio.Lock()
        self.ephemeral = Ephemeral(self._connected_redis)

    async def _connected_redis(self) -> Redis | RedisCluster:
        async with self._redis_first:
            if self._redis is None:
                settings = self.settings
                self._redis = await connect_redis(settings.redis_url, settings.redis_cluster)
        return self._redis

    @functools.cached_property
    def db(self) -> Database:
        from cj.store import Database

        return Database(
            _required(self.settings.database_url, "DATABASE_URL"),
            application_name=self.journal.service,
            statement_cache=self.settings.database_statement_cache,
        )

    @functools.cached_property
    def push(self) -> Push:
        from cj.push import Push

        return Push(_required(self.settings.ws_api_endpoint, "WS_API_ENDPOINT"))

    @functools.cached_property
    def worker(self) -> Worker:
        from cj.push import Worker

        return Worker(_required(self.settings.turn_worker_function, "TURN_WORKER_FUNCTION"))

    @functools.cached_property
    def visitors(self) -> Visitors:
        from cj.flows.connect import Visitors
        from cj.store import Sessions

        return Visitors(Sessions(self.db))

    @functools.cached_property
    def door(self) -> Door:
        from cj.flows.connect import Door
        from cj.store import Connections

        return Door(Connections(self.db), self.ephemeral, self.settings.origins)

    @functools.cached_property
    def chat(self) -> Chat:
        from cj.flows.chat import Chat
        from cj.store import Conversations, Turns

        return Chat(
            Conversations(self.db),
            Turns(self.db),
            self.ephemeral,
            self.push,
            self.door.forget,
            self.worker,
            self.journal,
            lease_s=self.settings.turn_lease_s,
            text_chars=self.settings.limit_text_chars,
            max_waiting=self.settings.limit_waiting,
        )

    @functools.cached_property
    def turns(self) -> Turns:
        from cj.agent.scripted import Scripted
        from cj.flows.turn import Turns
        from cj.store import Turns as TurnStore

        return Turns(
            TurnStore(self.db),
            Scripted(),
            self.ephemeral,
            self.push,
            self.door.forget,
            self.worker,
            self.journal,
            lease_s=self.settings.turn_lease_s,
            deadline_s=self.settings.turn_deadline_s,
        )

    @functools.cached_property
    def history(self) -> History:
        from cj.flows.history import History
        from cj.store import Conversations

        return History(Conversations(self.db))

    @functools.cached_property
    def sweeper(self) -> Sweeper:
        from cj.flows.sweep import Sweeper
        from cj.store import Sweep

        return Sweeper(Sweep(self.db), self.journal)


def _required(value: str | None, name: str) -> str:
    if value is None:
        raise SettingsInvalid(f"{name}: is not set and this function needs it")
    return value


@functools.cache
def app() -> App:
    """This process's parts. Raises SettingsInvalid, which names what to set."""
    service = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "cj")
    return App(Settings.read(os.environ, _secret), service)


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
    asyncio.set_event_loop(made)
    return made


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end on the process's loop."""
    return loop().run_until_complete(work)


@dataclass(frozen=True, slots=True)
class WsEvent:
    """What API Gateway says of one socket: that it opens, what it sends, that it is closed."""

    connection_id: str
    request_id: str
    body: str
    headers: Mapping[str, str]

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> WsEvent:
        """Header names in lower case; messages carry none."""
        context = event["requestContext"]
        headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        return cls(context["connectionId"], context["requestId"], event.get("body") or "", headers)

    def cookie(self, name: str) -> str | None:
        """A cookie's value, or None where it is missing or nonsense."""
        return read_cookie(self.headers.get("cookie"), name)


def read_cookie(header: str | None, name: str) -> str | None:
    """The value of one cookie in a Cookie header."""
    for pair in (header or "").split(";"):
        key, _, value = pair.strip().partition("=")
        if key == name and value:
            return value
    return None


Reply = dict[str, Any]
OK: Reply = {"statusCode": 200}


async def answer_status(_event: WsEvent, error: CJError) -> Reply:
    """$connect: the handshake is refused with the error's status."""
    return {"statusCode": error.status}


async def answer_frame(event: WsEvent, error: CJError) -> Reply:
    """$default: an error frame; the socket lives. A connection that is gone is forgotten."""
    frame = replies.error(
        error.code,
        error.message,
        re=error.re or client_id(event.body),
        retryable=error.retryable,
        retry_ms=error.retry_ms,
    )
    if isinstance(error, ConnectionGone) or await app().push.broadcast(
        [event.connection_id], frame
    ):
        await app().door.forget(event.connection_id)
    return OK


def ws_handler(refuse: Refuse) -> Callable[[WsWork], Callable[[dict[str, Any], Any], Reply]]:
    """A Lambda handler around one coroutine: loop, log context, errors translated by `refuse`."""

    def decorate(work: WsWork) -> Callable[[dict[str, Any], Any], Reply]:
        @functools.wraps(work)
        def handler(event: dict[str, Any], _context: Any) -> Reply:
            return run(_guarded(work, refuse, WsEvent.of(event)))

        return handler

    return decorate


async def _guarded(work: WsWork, refuse: Refuse, event: WsEvent) -> Reply:
    with app().journal.invocation(event.request_id, connection_id=event.connection_id):
        try:
            return await work(event)
        except CJError as error:
            log.info("refused", extra={"code": error.code, "why": str(error)})
            reply = await refuse(event, error)
            start_anew_after(error)
            return reply
        except Exception:
            log.exception("failed")
            return await refuse(event, CJError())


def job_handler(work: JobWork) -> Callable[[dict[str, Any], Any], Reply]:
    """A Lambda handler around one coroutine that gets the event and the seconds it has.

    Exceptions go on to Lambda after they are logged: whoever invoked sees the failure.
    """

    @functools.wraps(work)
    def handler(event: dict[str, Any], context: Any) -> Reply:
        time_left_s = context.get_remaining_time_in_millis() / 1000
        correlation_id = str(event.get("correlation_id") or context.aws_request_id)
        with app().journal.invocation(correlation_id):
            try:
                return run(work(event, time_left_s))
            except Exception as error:
                log.exception("failed")
                start_anew_after(error)
                raise

    return handler


def owner_url(settings: Settings) -> str:
    """The owner role's database, which only migrations use."""
    return _required(settings.database_migration_url, "DATABASE_MIGRATION_URL")

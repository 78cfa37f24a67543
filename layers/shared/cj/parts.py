"""The parts of one process, each built when it is first asked for. Used by cj.runtime alone."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from cj.ephemeral import Rate
from cj.logs import Journal
from cj.redis_parts import RedisParts
from cj.settings import required
from cj.shopify_parts import ShopifyParts

if TYPE_CHECKING:
    from collections.abc import Callable

    from cj.agent.model import Model
    from cj.flows.chat import Chat
    from cj.flows.connect import Door, Visitors
    from cj.flows.drain import Drain
    from cj.flows.forget import Forgetting
    from cj.flows.handoff import Greeting, HandOff
    from cj.flows.history import History
    from cj.flows.install import Installs
    from cj.flows.opening import Opening
    from cj.flows.outreach import Outreach
    from cj.flows.sweep import Sweeper
    from cj.flows.turn import Turns
    from cj.flows.webhooks import Webhooks
    from cj.push import Push, Worker
    from cj.settings import Settings
    from cj.store import Database, Deliveries, People
    from cj.store import Turns as TurnStore


class App(RedisParts):
    """Everything one process uses, each part built when it is first asked for."""

    def __init__(
        self, settings: Settings, service: str, secret: Callable[[str], str] | None = None
    ) -> None:
        """`secret` gives the text of a secret by its ARN, as it is now, and blocks."""
        super().__init__(settings)
        self._secret = secret
        self.journal = Journal(service, settings.log_level)

    @functools.cached_property
    def db(self) -> Database:
        from cj.store import Database

        return Database(
            required(self.settings.database_url, "DATABASE_URL"),
            application_name=self.journal.service,
            statement_cache=self.settings.database_statement_cache,
        )

    @functools.cached_property
    def push(self) -> Push:
        from cj.push import Push

        return Push(required(self.settings.ws_api_endpoint, "WS_API_ENDPOINT"))

    @functools.cached_property
    def worker(self) -> Worker:
        from cj.push import Worker

        return Worker(required(self.settings.turn_worker_function, "TURN_WORKER_FUNCTION"))

    @functools.cached_property
    def visitors(self) -> Visitors:
        from cj.flows.connect import Visitors
        from cj.store import Sessions

        return Visitors(Sessions(self.db), self.callers, self.outage)

    @functools.cached_property
    def door(self) -> Door:
        from cj.flows.connect import Door
        from cj.store import Connections, Sessions

        per_session = self.settings.limit_session_connects_per_minute
        per_address = self.settings.limit_address_connects_per_minute
        return Door(
            Connections(self.db),
            Sessions(self.db),
            self.callers,
            self.live,
            self.outage,
            self.limits,
            self.settings.origins,
            session_rate=Rate.per_minute(per_session, per_session),
            address_rate=Rate.per_minute(per_address, per_address),
            bad_frames=self.settings.limit_bad_frames,
        )

    @functools.cached_property
    def outreach(self) -> Outreach:
        from cj.flows.outreach import Outreach

        return Outreach(self.push, self.door.forget, self.worker, self.journal)

    @functools.cached_property
    def turn_store(self) -> TurnStore:
        from cj.store import Turns

        return Turns(self.db)

    @functools.cached_property
    def drain(self) -> Drain:
        from cj.flows.drain import Drain

        return Drain(
            self.turn_store,
            self.buffer,
            self.recent,
            self.live,
            self.outage,
            self.outreach,
            self.settings.turn_lease_s,
        )

    @functools.cached_property
    def shopify(self) -> ShopifyParts:
        return ShopifyParts(self.settings, self.db, self.ephemeral, self._secret)

    @functools.cached_property
    def people(self) -> People:
        from cj.store import People

        return People(self.db)

    @functools.cached_property
    def greeting(self) -> Greeting:
        from cj.flows.handoff import Greeting

        settings = self.settings
        return Greeting(
            self.people,
            self.turn_store,
            self.recent,
            self.outage,
            self.drain,
            self.outreach,
            settings.turn_lease_s,
            settings.limit_waiting,
        )

    @functools.cached_property
    def hand_off(self) -> HandOff:
        from cj.flows.handoff import HandOff
        from cj.internal_api import InternalApi, SigV4, make_http

        url = required(self.settings.internal_api_url, "INTERNAL_API_URL")
        return HandOff(InternalApi(make_http(), url, SigV4()), self.journal)

    @functools.cached_property
    def installs(self) -> Installs:
        from cj.flows.install import Installs, Rotation

        shopify, per_minute = self.shopify, self.settings.limit_installs_per_minute
        return Installs(
            self.people,
            Rotation(self.visitors, self.callers, self.live, self.drain, self.push),
            self.outage,
            self.limits,
            shopify.oauth,
            shopify.access,
            self.hand_off,
            self.journal,
            shopify.client_secrets,
            shopify.redirect_uri,
            Rate.per_minute(per_minute, per_minute),
        )

    @functools.cached_property
    def deliveries(self) -> Deliveries:
        from cj.store import Deliveries

        return Deliveries(self.db)

    @functools.cached_property
    def forgetting(self) -> Forgetting:
        from cj.flows.forget import Forgetting

        cache = self.shopify.cache
        return Forgetting(self.deliveries, self.callers, self.erasure, cache, self.push)

    @functools.cached_property
    def webhooks(self) -> Webhooks:
        from cj.flows.webhooks import Webhooks

        secrets = self.shopify.client_secrets
        return Webhooks(self.deliveries, self.forgetting, self.outage, self.journal, secrets)

    @functools.cached_property
    def opening(self) -> Opening:
        from cj.flows.opening import Opening
        from cj.store import Conversations

        hourly = self.settings.limit_conversations_per_hour
        return Opening(
            self.door,
            Conversations(self.db),
            self.live,
            self.recent,
            self.buffer,
            self.limits,
            self.outage,
            self.drain,
            self.outreach,
            conversation_rate=Rate.per_hour(hourly, hourly),
            lease_s=self.settings.turn_lease_s,
            text_chars=self.settings.limit_text_chars,
            greeting=self.greeting,
        )

    @functools.cached_property
    def chat(self) -> Chat:
        from cj.flows.chat import Chat
        from cj.flows.unsaved import Unsaved

        settings = self.settings
        rate, burst = settings.limit_messages_per_minute, settings.limit_messages_burst
        return Chat(
            self.door,
            self.opening,
            Unsaved(self.buffer, self.live, self.outreach, settings.limit_waiting),
            self.turn_store,
            self.live,
            self.recent,
            self.limits,
            self.outage,
            self.drain,
            self.outreach,
            message_rate=Rate.per_minute(rate, burst),
            lease_s=settings.turn_lease_s,
            max_waiting=settings.limit_waiting,
        )

    @functools.cached_property
    def model(self) -> Model:
        from cj.agent.scripted import Scripted

        return Scripted()

    @functools.cached_property
    def turns(self) -> Turns:
        from cj.flows.degraded import DegradedTurns
        from cj.flows.speech import Speaker
        from cj.flows.turn import Turns

        deadline_s = self.settings.turn_deadline_s
        speaker = Speaker(self.model, deadline_s, lambda: self.shopify.tools)
        lease_s = self.settings.turn_lease_s
        degraded = DegradedTurns(
            self.live, self.buffer, self.outage, speaker, self.outreach, self.drain, lease_s
        )
        return Turns(
            self.turn_store,
            self.live,
            self.recent,
            self.buffer,
            self.outage,
            speaker,
            self.outreach,
            degraded,
            self.drain,
            lease_s,
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

        return Sweeper(
            Sweep(self.db),
            self.turn_store,
            self.buffer,
            self.drain,
            self.outreach,
            self.forgetting,
            self.settings.turn_lease_s,
        )

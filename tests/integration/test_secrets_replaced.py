"""The operator replaces the client secret in Secrets Manager, and processes live on."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import redis
from cj.domain.callbacks import CallbackRefused
from cj.domain.webhooks import WebhookRefused
from cj.shopify.client_secrets import ClientSecrets
from cj.shopify.keys import KeyFile

from tests.integration.installation import SHOP
from tests.integration.installing import (
    SECRET,
    Browser,
    Shopify,
    http_event,
    settings,
    signed,
)
from tests.integration.listening_aws import Functions
from tests.integration.statements import sql
from tests.integration.webhooking import PATH, Sent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cj.store import Database

    from tests.integration.installation import Town

NEXT, LATER = "shpss_canary-next", "shpss_canary-later"


class Operator:
    """Who keeps the secret, in an AWS of the test's own."""

    def __init__(self, url: str) -> None:
        keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any"}
        self._safe = boto3.client(
            "secretsmanager", endpoint_url=url, region_name="us-east-1", **keys
        )
        text = json.dumps({"secret": SECRET})
        self.arn = self._safe.create_secret(Name="cj/shopify", SecretString=text)["ARN"]

    def replaces(self, new: str, old: str) -> None:
        text = json.dumps({"secret": new, "previous": old})
        self._safe.put_secret_value(SecretId=self.arn, SecretString=text)

    def loses_it(self) -> None:
        self._safe.delete_secret(SecretId=self.arn, ForceDeleteWithoutRecovery=True)


@pytest.fixture
def operator(aws_url: str) -> Iterator[Operator]:
    made = Operator(aws_url)
    yield made
    made.loses_it()


@pytest.fixture
def shopify() -> Iterator[Shopify]:
    with Shopify() as running:
        yield running


@pytest.fixture
def functions(
    environ: dict[str, str], shopify: Shopify, operator: Operator, aws_url: str, tmp_path: Path
) -> Iterator[Functions]:
    """A process that has started with the first secret."""
    told = settings(shopify.url, KeyFile.create(tmp_path / "keys.json").path)
    told = {name: value for name, value in told.items() if "SECRET" not in name}
    told |= {
        "SHOPIFY_API_SECRET_ARN": operator.arn,
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": aws_url,
    }
    running = Functions({**environ, **told})
    assert sent_with(running, SECRET) == 200
    yield running
    logged = running.close()
    assert not [secret for secret in (SECRET, NEXT, LATER) if secret in logged]


def sent_with(functions: Functions, secret: str) -> int:
    """The status of a webhook that was signed with this secret."""
    sent = Sent("app/uninstalled", SHOP)
    event = http_event("POST", PATH, body=sent.body.decode())
    event["headers"] |= sent.headers(secret)
    status: int = functions.invoke("shopify_webhooks", event)["statusCode"]
    return status


async def test_the_first_webhook_with_the_new_secret_is_taken_by_a_process_that_lives_on(
    functions: Functions, operator: Operator
) -> None:
    operator.replaces(NEXT, SECRET)
    assert sent_with(functions, SECRET) == 200
    assert sent_with(functions, NEXT) == 200
    assert sent_with(functions, SECRET) == 200


async def test_a_process_looks_once_a_minute_whatever_it_is_sent(
    functions: Functions, operator: Operator
) -> None:
    assert sent_with(functions, "guessed") == 401
    operator.replaces(NEXT, SECRET)
    assert [sent_with(functions, NEXT) for _ in range(3)] == [401] * 3
    assert sent_with(functions, SECRET) == 200


async def test_a_secret_that_is_gone_leaves_the_process_what_it_knows(
    functions: Functions, operator: Operator
) -> None:
    operator.loses_it()
    assert sent_with(functions, NEXT) == 401
    assert sent_with(functions, SECRET) == 200


async def test_a_merchant_comes_back_with_the_new_secret_and_tokens_are_asked_for_with_it(
    functions: Functions, operator: Operator, shopify: Shopify
) -> None:
    browser = Browser(functions)
    browser.begin(SHOP)
    operator.replaces(NEXT, SECRET)
    reply = browser.come_back(signed(NEXT, **browser.query(SHOP)))
    assert reply["statusCode"] == 302, reply
    assert browser.session()["shop"] == {"domain": SHOP}
    assert [asked["client_secret"] for asked in shopify.exchanges] == [NEXT]


async def test_a_new_secret_costs_no_connection(
    functions: Functions, operator: Operator, overseer: Database, redis_url: str
) -> None:
    opened = sql("SELECT count(*), min(backend_start) FROM pg_stat_activity "
                 "WHERE application_name = 'cj-test'")  # fmt: skip

    async def connections() -> tuple[Any, set[str]]:
        with closing(redis.Redis.from_url(redis_url, decode_responses=True)) as look:
            ours = {one["id"] for one in look.client_list() if one["cmd"] != "client|list"}
        return await overseer.row(opened), ours

    Browser(functions).begin(SHOP)  # both stores are in use
    before = await connections()
    operator.replaces(NEXT, SECRET)
    assert sent_with(functions, NEXT) == 200
    Browser(functions).begin(SHOP)
    assert await connections() == before


def replaced(looks: list[str]) -> ClientSecrets:
    """Somebody has put another secret there since."""

    def look() -> tuple[str, ...]:
        looks.append("looked")
        return NEXT, SECRET

    return ClientSecrets((SECRET,), look)


async def test_a_flow_reads_the_same_webhook_again_with_the_new_secret(town: Town) -> None:
    parts: Any = town.process()
    looks: list[str] = []
    parts.shopify.client_secrets = replaced(looks)
    sent = Sent("app/uninstalled", SHOP)
    for _ in range(2):
        with pytest.raises(WebhookRefused):
            await parts.webhooks.receive(sent.body, sent.headers(LATER))
    assert looks == ["looked"]
    assert await parts.webhooks.receive(sent.body, sent.headers(NEXT)) == "unknown_shop"
    assert await parts.webhooks.receive(sent.body, sent.headers(SECRET)) == "unknown_shop"
    assert looks == ["looked"]


@pytest.mark.parametrize(
    ("damaged", "reason", "times"),
    [
        (lambda query: query, None, 1),
        (lambda query: {**query, "hmac": "0" * 64}, "hmac_wrong", 1),
        (lambda query: {**query, "hmac": ""}, "hmac_missing", 0),
        (lambda query: {**query, "shop": "evil.com"}, "invalid_shop", 0),
    ],
)
async def test_a_flow_looks_again_for_a_wrong_signature_and_for_nothing_else(
    town: Town,
    damaged: Callable[[dict[str, str]], dict[str, str]],
    reason: str | None,
    times: int,
) -> None:
    visitor = await town.visitor()
    looks: list[str] = []
    parts: Any = visitor.parts
    parts.shopify.client_secrets = replaced(looks)
    query = await visitor.begin(SHOP)
    query.pop("hmac")
    query = damaged(signed(NEXT, **query))
    if reason is None:
        assert (await visitor.come_back(query))["is_new"] == "true"
    else:
        with pytest.raises(CallbackRefused) as refused:
            await visitor.come_back(query)
        assert refused.value.code == reason
    assert len(looks) == times

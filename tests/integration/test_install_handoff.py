"""The internal call: who may make it, what it may say, and that it says little."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from cj.domain.ids import new_id
from cj.shopify.keys import KeyFile

from tests.integration.installing import CALLER, INITIATE, Browser, Shopify, http_event, settings
from tests.integration.listening_aws import Functions
from tests.integration.statements import sql

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cj.store import Database

    from tests.integration.listening_aws import Aws

SHOP, OTHER = "corner-candles.myshopify.com", "harbour-coffee.myshopify.com"
ACCOUNT = "arn:aws:sts::123456789012:assumed-role"


@pytest.fixture
def shopify() -> Iterator[Shopify]:
    with Shopify() as running:
        yield running


@pytest.fixture
def functions(environ: dict[str, str], shopify: Shopify, tmp_path: Path) -> Iterator[Functions]:
    key_file = KeyFile.create(tmp_path / "keys.json").path
    running = Functions({**environ, **settings(shopify.url, key_file)})
    yield running
    running.close()


def initiate(functions: Functions, body: object, caller: str | None = CALLER) -> dict[str, Any]:
    """Asked a minute ago: nobody waits for the greeting."""
    text = body if isinstance(body, str) else json.dumps(body)
    event = http_event("POST", INITIATE, body=text, caller=caller)
    event["requestContext"]["timeEpoch"] -= 60_000
    return functions.invoke("session_initiate", event)


def handoff(cid: str, **changed: object) -> dict[str, object]:
    return {"shop_domain": SHOP, "is_new": True, "conversation_id": cid, **changed}


async def messages(db: Database) -> int:
    row = await db.row(sql("SELECT count(*) FROM messages"))
    return int(row[0])


async def test_only_the_callback_s_role_may_hand_off(
    functions: Functions, own_db: Database, aws: Aws
) -> None:
    cid = Browser(functions).connect(SHOP)["conversation_id"]
    for caller in (
        None,
        "",
        f"{ACCOUNT}/cj-ApiFunctionRole-1ABC/cj-callback",
        f"{ACCOUNT}/cj-OauthCallbackFunctionRole-1ABCD/cj-callback",
        f"{ACCOUNT}/evil/cj-OauthCallbackFunctionRole-1ABC/cj-callback",
        "arn:aws:sts::999999999999:assumed-role/cj-OauthCallbackFunctionRole-1ABC/cj-callback",
        "arn:aws:iam::123456789012:user/cj-OauthCallbackFunctionRole-1ABC",
        f"{CALLER}\n",
    ):
        reply = initiate(functions, handoff(cid), caller)
        assert reply["statusCode"] == 403, caller
        assert json.loads(reply["body"])["error"]["code"] == "forbidden"
    assert (await messages(own_db), aws.events) == (0, [])
    assert initiate(functions, handoff(cid))["statusCode"] == 200


async def test_what_nobody_has_is_not_found_and_nothing_is_made(
    functions: Functions, own_db: Database, aws: Aws
) -> None:
    mine = Browser(functions).connect(SHOP)["conversation_id"]
    theirs = Browser(functions).connect(OTHER)["conversation_id"]
    before = await own_db.row(sql("SELECT count(*) FROM conversations"))
    for asked in (
        handoff(theirs),
        handoff(mine, shop_domain=OTHER),
        handoff(mine, shop_domain="nobody.myshopify.com"),
        handoff(str(uuid4())),
    ):
        reply = initiate(functions, asked)
        assert (reply["statusCode"], json.loads(reply["body"])["error"]["code"]) == (
            404,
            "not_found",
        )
    assert await own_db.row(sql("SELECT count(*) FROM conversations")) == before
    assert (await messages(own_db), aws.events) == (0, [])


async def test_what_is_no_hand_off_is_refused_whatever_its_shape(
    functions: Functions, own_db: Database, aws: Aws
) -> None:
    cid = str(new_id())
    good = json.dumps(handoff(cid))
    for status, body in (
        (413, " " * 1_000_000),
        (413, "[" * 5_000),
        (413, good[:-1] + ', "n": ' + "9" * 100_000 + "}"),
        (400, "[" * 1_500),
        (400, good[:-1] + ', "n": ' + "9" * 1_500 + "}"),
        (400, good[:-1] + f', "conversation_id": "{cid}"' + "}"),
        (400, good[:-1] + ', "user_id": "usr_00000000"}'),
        (400, json.dumps(handoff("' or 1=1--"))),
        (400, json.dumps(handoff(f"{{{cid}}}"))),
        (400, json.dumps(handoff(cid, is_new="yes"))),
        (400, json.dumps(handoff(cid, is_new=1))),
        (400, json.dumps(handoff(cid, shop_domain="Corner-Candles.myshopify.com"))),
        (400, json.dumps(handoff(cid, shop_domain="evil.com"))),
        (400, json.dumps({"shop_domain": SHOP})),
        (400, "[]"),
        (400, "null"),
        (400, "NaN"),
        (400, ""),
        (400, '"\\ud800"'),
    ):
        reply = initiate(functions, body)
        assert reply["statusCode"] == status, body[:100]
        assert json.loads(reply["body"])["error"]["code"] == "bad_request"
    assert (await messages(own_db), aws.events) == (0, [])


async def test_the_same_hand_off_twice_is_one_greeting(
    functions: Functions, own_db: Database, aws: Aws
) -> None:
    cid = Browser(functions).connect(SHOP)["conversation_id"]
    for greeted in (False, True, True):
        reply = initiate(functions, handoff(cid))
        assert (reply["statusCode"], json.loads(reply["body"])) == (
            200,
            {"conversation_id": cid, "greeted": greeted},
        )
        if not greeted:
            functions.invoke("turn_worker", aws.events[-1])
    assert await messages(own_db) == 2
    assert len({event["turn"] for event in aws.events}) == 1


def test_with_postgresql_gone_the_caller_is_told_so(
    environ: dict[str, str], shopify: Shopify, tmp_path: Path
) -> None:
    key_file = KeyFile.create(tmp_path / "keys.json").path
    gone = {"DATABASE_URL": "postgresql://cj_app:secret-word@127.0.0.1:9/cj"}
    running = Functions({**environ, **settings(shopify.url, key_file), **gone})
    assert initiate(running, handoff(str(uuid4())))["statusCode"] == 503
    assert "secret-word" not in running.close()


def test_without_the_role_s_name_nobody_is_let_in(
    environ: dict[str, str], shopify: Shopify, tmp_path: Path
) -> None:
    key_file = KeyFile.create(tmp_path / "keys.json").path
    running = Functions({**environ, **settings(shopify.url, key_file), "HANDOFF_CALLER_ROLE": ""})
    assert initiate(running, handoff(str(uuid4())))["statusCode"] == 500
    assert "HANDOFF_CALLER_ROLE: is not set" in running.close()

"""A shop is connected: form, consent, callback, and CJ's first message waits in the chat."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.e2e.browser import Browser
from tests.e2e.merchant import Merchant

if TYPE_CHECKING:
    from tests.e2e.running import Running

CANDLES, COFFEE = "corner-candles.myshopify.com", "harbour-coffee.myshopify.com"
INITIATE = "/internal/session/initiate"


async def test_a_merchant_types_a_name_agrees_and_finds_cj_s_first_message_waiting(
    cj_url: str,
) -> None:
    async with Merchant(cj_url) as earlier:
        await earlier.connect("empty-shelf")  # so that every process has started
    async with Merchant(cj_url) as merchant:
        landed = await merchant.connect("corner-candles")
        me = (await merchant.http.get("/api/v1/session")).json()
        assert me["shop"] == {"domain": CANDLES}
        assert me["user"]["id"].startswith("usr_")
        async with Browser(cj_url, merchant.cookie) as tab:
            ready = await tab.start(landed["conversation_id"])
    assert ready["connected"] == {"shop": CANDLES}
    assert ready["workflow"] == "shopify_post_auth"
    trigger, greeting = ready["messages"]
    assert (trigger["hidden"], trigger["text"]) == (True, "")
    assert (greeting["role"], greeting["status"]) == ("assistant", "complete")
    assert greeting["text"]
    assert "turn" not in ready


async def test_the_same_shop_from_another_browser_finds_its_conversations(cj_url: str) -> None:
    async with Merchant(cj_url) as first, Merchant(cj_url) as second:
        before = await first.connect(COFFEE)
        after = await second.connect(COFFEE)
        assert (before["is_new"], after["is_new"]) == ("true", "false")
        listed = (await second.http.get("/api/v1/conversations")).json()["conversations"]
        assert {before["conversation_id"], after["conversation_id"]} == {c["id"] for c in listed}
        mine = [(await m.http.get("/api/v1/session")).json() for m in (first, second)]
        assert mine[0] == mine[1]


async def test_what_was_said_before_connecting_goes_along_and_the_old_tab_is_out(
    cj_url: str,
) -> None:
    async with Merchant(cj_url) as merchant:
        await merchant.http.get("/api/v1/session")
        async with Browser(cj_url, merchant.cookie) as tab:
            await tab.start()
            await tab.say("Before I connect")
            await tab.settled()
            landed = await merchant.connect("northern-trails", conversation_id=tab.cid or "")
            assert landed["conversation_id"] == tab.cid
            refused = await tab.until("error", re=await tab.send("ping"))
        assert (refused["code"], refused["retryable"]) == ("unauthenticated", True)
        async with Browser(cj_url, merchant.cookie) as tab:
            ready = await tab.start(landed["conversation_id"])
    assert ready["messages"][0]["text"] == "Before I connect"
    assert [m["role"] for m in ready["messages"]][-1] == "assistant"


async def test_a_callback_shown_again_is_a_page_and_changes_nothing(cj_url: str) -> None:
    async with Merchant(cj_url) as merchant:
        back = await merchant.agree(await merchant.ask("empty-shelf"))
        assert (await merchant.http.get(back)).status_code == 302
        cookie = merchant.cookie
        again = await merchant.http.get(back)
        assert again.status_code == 403
        assert "Start the connection again" in again.text
        assert merchant.cookie == cookie
        assert (await merchant.http.get("/api/v1/session")).json()["user"]


async def test_the_page_s_script_is_told_where_to_go(cj_url: str) -> None:
    async with Merchant(cj_url) as merchant:
        asked = {"shop": CANDLES, "mode": "json"}
        answer = await merchant.http.get("/api/v1/shopify/install", params=asked)
        back = await merchant.agree(answer.json()["url"])
        assert (await merchant.http.get(back)).status_code == 302


async def test_the_internal_call_needs_a_signature_and_the_callback_s_role(cj: Running) -> None:
    async with Merchant(cj.url) as merchant:
        cid = (await merchant.connect(CANDLES))["conversation_id"]
        asked = {"shop_domain": CANDLES, "is_new": True, "conversation_id": cid}
        url, body = f"{cj.url}{INITIATE}", json.dumps(asked).encode()
        signature = signed(cj, url, body)
        forged = {**signature, "Authorization": _other_digit(signature["Authorization"])}
        tampered = body.replace(b"true", b"false")
        for headers, sent in (({}, body), (forged, body), (signature, tampered), (signature, body)):
            answer = await merchant.http.post(url, content=sent, headers=headers)
            assert answer.status_code == 403, headers
        assert "error" in answer.json()  # signed well, by another principal: the function says no
        for path in (f"/api{INITIATE}", f"/api/v1{INITIATE}"):
            answer = await merchant.http.post(path, content=body, headers=signature)
            assert answer.status_code in (403, 404, 405)


async def test_one_correlation_id_goes_through_both_functions_and_the_worker(cj: Running) -> None:
    async with Merchant(cj.url) as merchant:
        landed = await merchant.connect(COFFEE)
    cid = landed["conversation_id"]
    (asked,) = await cj.log_lines(1, message="greeting asked for", cid=cid)
    for message, service in (
        ("handed off", "oauth-callback"),
        ("greeting asked for", "session-initiate"),
        ("turn ended", "turn-worker"),
    ):
        (line,) = await cj.log_lines(1, message=message, correlation_id=asked["correlation_id"])
        assert str(line["service"]).endswith(service)


def signed(cj: Running, url: str, body: bytes) -> dict[str, Any]:
    """The operator's signature: a principal, but not the one."""
    given = cj.credentials
    credentials = Credentials(
        given["aws_access_key_id"], given["aws_secret_access_key"], given["aws_session_token"]
    )
    request = AWSRequest("POST", url, {"Content-Type": "application/json"}, body)
    SigV4Auth(credentials, "execute-api", "us-east-1").add_auth(request)
    return dict(request.headers.items())


def _other_digit(text: str) -> str:
    return text[:-1] + ("0" if text[-1] != "0" else "1")

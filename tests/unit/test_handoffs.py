"""What is handed over, who may do it, and where the merchant lands."""

from __future__ import annotations

from uuid import UUID

import pytest
from cj.domain.handoffs import (
    MAX_BYTES,
    HandoffRefused,
    OAuthHandoffRequest,
    is_session_of,
    landing,
    local_path,
    read_handoff,
    trigger_id,
)

CID = UUID("01a1fd33-5f8e-7b55-8a2c-3a07b16cb3ce")
SHOP = "corner-candles.myshopify.com"
ROLE = "arn:aws:iam::123456789012:role/cj-Role"
SESSION = "arn:aws:sts::123456789012:assumed-role/cj-Role/cj-oauth-callback"


def test_a_hand_off_is_read_back_as_it_was_written() -> None:
    asked = OAuthHandoffRequest(shop_domain=SHOP, is_new=True, conversation_id=CID)
    assert read_handoff(asked.model_dump_json().encode()) == asked


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"x" * (MAX_BYTES + 1), 413),
        (b"x" * MAX_BYTES, 400),
        (b"\xff", 400),
        (b"[" * MAX_BYTES, 400),
        (b'{"is_new": true, "is_new": true}', 400),
        (b'{"shop_domain": "a.myshopify.com.", "is_new": true}', 400),
    ],
)
def test_what_is_no_hand_off_is_refused(body: bytes, status: int) -> None:
    with pytest.raises(HandoffRefused) as refused:
        read_handoff(body)
    assert refused.value.status == status


@pytest.mark.parametrize("cid", [CID.hex, f"{{{CID}}}", f"urn:uuid:{CID}", "x" * 36])
def test_a_conversation_s_id_has_one_form(cid: str) -> None:
    with pytest.raises(HandoffRefused):
        read_handoff(
            f'{{"shop_domain": "{SHOP}", "is_new": true, "conversation_id": "{cid}"}}'.encode()
        )


def test_whoever_asks_for_the_greeting_asks_with_the_same_id() -> None:
    assert trigger_id(CID) == trigger_id(UUID(str(CID)))
    assert trigger_id(CID) != trigger_id(UUID(int=CID.int + 1))


@pytest.mark.parametrize(
    ("caller", "role", "is_one"),
    [
        (SESSION, ROLE, True),
        (SESSION, "arn:aws:iam::123456789012:role/path/of/it/cj-Role", True),
        (SESSION, "arn:aws:iam::123456789012:role/cj-Role2", False),
        (SESSION, "arn:aws:iam::999999999999:role/cj-Role", False),
        (SESSION, "cj-Role", False),
        (SESSION.replace("cj-Role", "cj-Role2"), ROLE, False),
        (SESSION.replace("cj-Role/", "x/cj-Role/"), ROLE, False),
        (f"{SESSION}\n", ROLE, False),
        (SESSION.replace("sts", "iam"), ROLE, False),
        (ROLE, ROLE, False),
        (None, ROLE, False),
        ("", "", False),
    ],
)
def test_a_caller_is_who_has_taken_on_the_role(caller: str | None, role: str, is_one: bool) -> None:
    assert is_session_of(caller, role) is is_one


@pytest.mark.parametrize("path", ["/", "/?a=b", "/chat", "/chat?a=b&c=%2F", "/chat/01a1fd33"])
def test_a_path_of_our_own_may_be_returned_to(path: str) -> None:
    assert local_path(path) == path


@pytest.mark.parametrize(
    "text",
    [
        *(None, "", "chat", "//evil", "/\\evil", "\\\\evil", "https:evil", "https://evil/chat"),
        *(
            "javascript:alert(1)",
            " /chat",
            "/\t/evil",
            "/chat\n",
            "/ch at",
            "/chät",
            "/a#b",
            "/a\\b",
            "/api/v1/shopify/install",
            "/chatter",
            "/chat/../api/v1/session",
            "/chat/%2e%2e/api",
            "/chat//evil",
        ),
    ],
)
def test_nothing_else_may_be(text: str | None) -> None:
    assert local_path(text) is None


def test_the_landing_names_the_conversation_and_nobody() -> None:
    told = f"oauth=complete&is_new=false&conversation_id={CID}"
    assert landing(None, CID, is_new=False) == f"/chat?{told}"
    assert landing("/chat?a=b", CID, is_new=False) == f"/chat?a=b&{told}"
    assert landing("//evil", CID, is_new=False) == f"/chat?{told}"


def test_the_landing_s_own_words_are_not_the_caller_s() -> None:
    told = f"oauth=complete&is_new=true&conversation_id={CID}"
    other = UUID(int=1)
    for name in ("conversation_id", "conversation%5Fid"):
        asked = f"/chat?{name}={other}&oauth=failed&a=%26b&is_new=false"
        assert landing(asked, CID, is_new=True) == f"/chat?a=%26b&{told}"

"""Signatures: what botocore signs is recognised, and nothing else is."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from starlette.requests import Request

from local.gateway.sigv4 import Keyring, SignatureRefused, SignedRequest

HOST = "127.0.0.1:8000"
ROLE = "arn:aws:iam::123456789012:role/worker"
SERVICE = "execute-api"


def signed_by_botocore(
    credentials, method="POST", path="/ws/@connections/a%3D", query="", body=b"hello", headers=None
):
    """The request as it goes over the wire once botocore has signed it."""
    url = f"http://{HOST}{path}" + (f"?{query}" if query else "")
    request = AWSRequest(method=method, url=url, data=body, headers=headers or {})
    boto = BotoCredentials(
        credentials.access_key, credentials.secret_key, credentials.session_token
    )
    SigV4Auth(boto, SERVICE, "us-east-1").add_auth(request)
    sent = [(name.lower(), value) for name, value in request.headers.items()]
    return SignedRequest(method, path, query, (("host", HOST), *sent), body)


def refusal(keyring, request, service=SERVICE, now=None):
    with pytest.raises(SignatureRefused) as caught:
        keyring.verify(request, service, now or datetime.now(UTC))
    return caught.value


@pytest.fixture
def keyring():
    return Keyring()


@pytest.fixture
def credentials(keyring):
    return keyring.issue(ROLE, "one")


def with_header(request, name, value):
    kept = tuple(pair for pair in request.headers if pair[0] != name)
    return replace(request, headers=(*kept, (name, value)) if value is not None else kept)


@pytest.mark.parametrize(
    "shape",
    [
        {},
        {"body": b""},
        {"method": "GET", "body": b""},
        {"method": "DELETE", "body": b"", "path": "/ws/@connections/BFHPhfCWIAMCKlQ="},
        {"path": "/ws/%40connections/BFHPhfCWIAMCKlQ%3D"},
        {"path": "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A1%3Afunction%3Ax"},
        {"path": "/a//b/./c/../d/"},
        {"path": "/"},
        {"path": "/~user/ä".encode().decode("latin-1")},
        {"path": "/with%20space/plus+sign"},
        {"query": "b=2&a=1"},
        {"query": "a=2&a=1&a=10"},
        {"query": "name=%C3%A4%20b&empty=&bare"},
        {"query": "a%2Bb=c%2Fd%3De&a=~-_."},
        {"body": bytes(range(256)) * 300},
        {"headers": {"X-Amz-Meta": "  two   spaces  "}},
        {"headers": {"Content-Type": "application/json"}},
    ],
    ids=str,
)
def test_what_botocore_signs_is_recognised(keyring, credentials, shape):
    """AWS: Signature Version 4, canonical request; the signer is botocore's SigV4Auth."""
    request = signed_by_botocore(credentials, **shape)
    assert keyring.verify(request, SERVICE, datetime.now(UTC)) == credentials


def test_the_principal_is_a_session_of_the_role(credentials):
    """AWS: IAM identifiers, assumed-role session principals."""
    assert credentials.principal_arn == "arn:aws:sts::123456789012:assumed-role/worker/one"


def test_credentials_of_two_sessions_differ_and_each_is_found(keyring, credentials):
    other = keyring.issue(ROLE, "two")
    assert len({other.access_key, credentials.access_key}) == 2
    assert keyring.find(other.access_key) == other
    assert keyring.find("ASIAUNKNOWN") is None


@pytest.mark.parametrize(
    "changed",
    [
        {"method": "DELETE"},
        {"raw_path": "/ws/@connections/b%3D"},
        {"raw_path": "/ws/@connections/a="},
        {"query": "added=1"},
        {"body": b"hello!"},
        {"body": b""},
    ],
    ids=str,
)
def test_a_request_changed_after_signing_is_refused(keyring, credentials, changed):
    """AWS: Signature Version 4, the signature covers method, path, query and body."""
    request = replace(signed_by_botocore(credentials), **changed)
    assert refusal(keyring, request).error_type == "InvalidSignatureException"


def test_a_signed_header_changed_after_signing_is_refused(keyring, credentials):
    """AWS: Signature Version 4, signed headers; the host is always among them."""
    request = with_header(signed_by_botocore(credentials), "host", "elsewhere:8000")
    assert refusal(keyring, request).error_type == "InvalidSignatureException"


def test_an_amz_header_that_is_not_signed_is_refused(keyring, credentials):
    """AWS: Signature Version 4, every x-amz- header must be signed."""
    request = with_header(signed_by_botocore(credentials), "x-amz-target", "smuggled")
    assert refusal(keyring, request).error_type == "InvalidSignatureException"


def test_an_unsigned_payload_is_refused(keyring, credentials):
    """AWS: UNSIGNED-PAYLOAD is S3's; other services want the body's own hash."""
    headers = {"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"}
    request = signed_by_botocore(credentials, headers=headers)
    assert refusal(keyring, request).error_type == "InvalidSignatureException"


def test_a_request_without_a_signature_is_told_that_its_token_is_missing(keyring, credentials):
    """AWS: common errors, MissingAuthenticationToken."""
    request = with_header(signed_by_botocore(credentials), "authorization", None)
    error = refusal(keyring, request)
    assert (error.status, error.error_type) == (403, "MissingAuthenticationTokenException")


@pytest.mark.parametrize("header", ["", "Bearer x", "AWS4-HMAC-SHA256 Credential=a", "é" * 500])
def test_a_header_that_is_no_signature_is_incomplete(keyring, credentials, header):
    """AWS: common errors, IncompleteSignature."""
    request = with_header(signed_by_botocore(credentials), "authorization", header)
    assert refusal(keyring, request).error_type == "IncompleteSignatureException"


def test_an_unknown_access_key_is_refused(keyring):
    """AWS: common errors, UnrecognizedClientException."""
    stranger = Keyring().issue(ROLE, "one")
    request = signed_by_botocore(stranger)
    assert refusal(keyring, request).error_type == "UnrecognizedClientException"


def test_a_right_key_with_a_wrong_secret_is_refused(keyring, credentials):
    """AWS: common errors, InvalidSignatureException."""
    request = signed_by_botocore(replace(credentials, secret_key="wrong"))
    assert refusal(keyring, request).error_type == "InvalidSignatureException"


@pytest.mark.parametrize("token", ["wrong", None], ids=["wrong", "missing"])
def test_temporary_credentials_need_their_session_token(keyring, credentials, token):
    """AWS: requests with temporary credentials carry X-Amz-Security-Token."""
    request = signed_by_botocore(replace(credentials, session_token=token))
    assert refusal(keyring, request).error_type == "UnrecognizedClientException"


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_signature_more_than_five_minutes_off_is_refused(keyring, credentials, minutes):
    """AWS: Signature Version 4, a request is valid for five minutes."""
    request = signed_by_botocore(credentials)
    later = datetime.now(UTC) + timedelta(minutes=minutes)
    assert "expired or not yet" in refusal(keyring, request, now=later).message
    nearly = datetime.now(UTC) + timedelta(minutes=minutes * 4 / 6)
    assert keyring.verify(request, SERVICE, nearly) == credentials


def test_a_signature_for_another_service_is_refused(keyring, credentials):
    """AWS: Signature Version 4, the credential scope names the service."""
    request = signed_by_botocore(credentials)
    assert refusal(keyring, request, service="lambda").error_type == "InvalidSignatureException"


def test_a_credential_scope_of_another_day_is_refused(keyring, credentials):
    """AWS: Signature Version 4, the credential scope's date is the request's."""
    request = signed_by_botocore(credentials)
    header = request.header("authorization")
    today = request.header("x-amz-date")[:8]
    moved = with_header(request, "authorization", header.replace(f"/{today}/", "/20200101/"))
    assert refusal(keyring, moved).error_type == "InvalidSignatureException"


def test_the_same_header_twice_is_signed_as_one(keyring, credentials):
    """AWS: Signature Version 4, values of a repeated header are joined with commas."""
    request = signed_by_botocore(credentials, headers={"X-Amz-Meta": "a,b"})
    kept = tuple(pair for pair in request.headers if pair[0] != "x-amz-meta")
    twice = replace(request, headers=(*kept, ("x-amz-meta", "a"), ("x-amz-meta", " b ")))
    assert keyring.verify(twice, SERVICE, datetime.now(UTC)) == credentials


def test_a_starlette_request_is_authenticated_as_received(keyring, credentials):
    signed = signed_by_botocore(credentials)
    scope = {
        "type": "http",
        "method": signed.method,
        "raw_path": signed.raw_path.encode(),
        "query_string": b"",
        "headers": [(k.encode(), v.encode()) for k, v in signed.headers],
    }
    caller = asyncio.run(keyring.authenticate(Request(scope), signed.body, SERVICE))
    assert caller == credentials

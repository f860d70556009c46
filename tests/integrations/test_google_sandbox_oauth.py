"""The emulator's authorization server, as an app, a person and Google's own library meet it."""

import re
import secrets
from collections.abc import Callable
from contextlib import closing
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httplib2
import httpx2
import pytest
from google.auth.exceptions import RefreshError
from google.oauth2.credentials import Credentials
from google_auth_httplib2 import Request

from integrations.sandbox.google_accounts import EVENTS_SCOPE, LIST_SCOPE, challenge
from tests.integrations.conftest import Sandbox

AUTHORIZE = "/google/o/oauth2/v2/auth"
BACK = "http://127.0.0.1:8000/api/v1/integrations/google-calendar/callback"
VERIFIER = secrets.token_urlsafe(48)


def request(**changes: str | None) -> dict[str, str]:
    values: dict[str, str | None] = {
        "client_id": "voicetodo",
        "redirect_uri": BACK,
        "response_type": "code",
        "scope": f"{EVENTS_SCOPE} {LIST_SCOPE}",
        "state": "kept",
        "access_type": "offline",
        "prompt": "consent",
        "code_challenge": challenge(VERIFIER),
        "code_challenge_method": "S256",
    }
    return {name: value for name, value in (values | changes).items() if value is not None}


def answer(redirect: httpx2.Response) -> dict[str, str]:
    assert redirect.status_code == 302, redirect.text
    assert redirect.headers["location"].startswith(f"{BACK}?")
    return dict(parse_qsl(urlsplit(redirect.headers["location"]).query))


def code(sandbox: Sandbox, **changes: str | None) -> str:
    return answer(sandbox.http.get(AUTHORIZE, params=request(approve="1", **changes)))["code"]


def exchange(sandbox: Sandbox, code: str, **changes: str | None) -> httpx2.Response:
    values: dict[str, str | None] = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": "voicetodo",
        "client_secret": "any",
        "redirect_uri": BACK,
        "code_verifier": VERIFIER,
    }
    given = {name: value for name, value in (values | changes).items() if value is not None}
    return sandbox.http.post("/google/token", data=given)


def tokens(sandbox: Sandbox, **changes: str | None) -> dict[str, Any]:
    given: dict[str, Any] = exchange(sandbox, code(sandbox, **changes)).json()
    return given


def refresh(sandbox: Sandbox, refresh_token: str) -> httpx2.Response:
    given = {
        "grant_type": "refresh_token",
        "refresh_token": refresh_token,
        "client_id": "voicetodo",
        "client_secret": "any",
    }
    return sandbox.http.post("/google/token", data=given)


def test_approving_gives_a_code_that_is_exchanged_for_tokens(sandbox: Sandbox) -> None:
    redirected = answer(sandbox.http.get(AUTHORIZE, params=request(approve="1")))
    assert redirected["state"] == "kept"
    given = exchange(sandbox, redirected["code"])
    assert given.headers["cache-control"].startswith("no-cache")
    content = given.json()
    assert content["token_type"] == "Bearer"
    assert content["scope"] == f"{EVENTS_SCOPE} {LIST_SCOPE}"
    assert content["refresh_token"].startswith("1//")
    assert 3500 < content["expires_in"] < 3600
    assert [row["kind"] for row in sandbox.ledger()] == ["oauth.token"]


def test_the_page_is_clicked_through(sandbox: Sandbox) -> None:
    """Its links are its only controls."""

    def link(page: httpx2.Response, pattern: str) -> str:
        found = re.search(rf'<a [^>]*?href="([^"]+)"[^>]*>(?=\s*{pattern})', page.text, re.DOTALL)
        assert found, page.text
        return unescape(found[1])

    first = sandbox.http.get(AUTHORIZE, params=request())
    assert "Choose an account" in first.text
    second = sandbox.http.get(link(first, "<span[^>]*>B</span>"))
    assert "see and edit events on all your calendars" in second.text
    assert "bob@sandbox.test" in second.text
    assert exchange(sandbox, answer(sandbox.http.get(link(second, "Allow")))["code"]).is_success
    refused = answer(sandbox.http.get(link(second, "Cancel")))
    assert refused == {"error": "access_denied", "state": "kept"}


def test_denying_goes_back_without_a_code(sandbox: Sandbox) -> None:
    redirected = answer(sandbox.http.get(AUTHORIZE, params=request(deny="1")))
    assert redirected == {"error": "access_denied", "state": "kept"}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"client_id": None}, "client_id"),
        ({"redirect_uri": None}, "redirect_uri"),
        ({"redirect_uri": "http://elsewhere.example/callback"}, "redirect_uri_mismatch"),
        ({"redirect_uri": "https://a@elsewhere.example/"}, "redirect_uri_mismatch"),
        ({"redirect_uri": f"{BACK}#there"}, "redirect_uri_mismatch"),
        ({"redirect_uri": "javascript:alert(1)"}, "redirect_uri_mismatch"),
        ({"redirect_uri": "http://[::1"}, "redirect_uri_mismatch"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"code_challenge_method": "plain"}, "S256"),
        ({"code_challenge_method": None}, "S256"),
        ({"code_challenge": "short"}, "S256"),
    ],
)
def test_a_wrong_request_is_not_sent_back(
    sandbox: Sandbox, changes: dict[str, str | None], says: str
) -> None:
    shown = sandbox.http.get(AUTHORIZE, params=request(approve="1", **changes))
    assert shown.status_code == 400
    assert says in shown.text


def test_a_code_is_for_one_use(sandbox: Sandbox) -> None:
    given = code(sandbox)
    assert exchange(sandbox, given).is_success
    again = exchange(sandbox, given)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"code": "4/unknown"}, 400, "invalid_grant"),
        ({"client_id": "another"}, 400, "invalid_grant"),
        ({"client_id": None}, 400, "invalid_request"),
        ({"client_secret": None}, 400, "invalid_request"),
        ({"redirect_uri": f"{BACK}/"}, 400, "redirect_uri_mismatch"),
        ({"code_verifier": None}, 400, "invalid_grant"),
        ({"code_verifier": VERIFIER + "x"}, 400, "invalid_grant"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
def test_a_wrong_exchange_is_refused(
    sandbox: Sandbox, changes: dict[str, str | None], status: int, error: str
) -> None:
    given = exchange(sandbox, **{"code": code(sandbox), **changes})  # type: ignore[arg-type]  # no code is None
    assert (given.status_code, given.json()["error"]) == (status, error)


def test_a_refused_exchange_uses_the_code_up(sandbox: Sandbox) -> None:
    given = code(sandbox)
    assert exchange(sandbox, given, code_verifier="wrong").status_code == 400
    assert exchange(sandbox, given).status_code == 400


def test_without_offline_access_there_is_no_refresh_token(sandbox: Sandbox) -> None:
    assert "refresh_token" not in tokens(sandbox, access_type=None)


def test_a_second_consent_brings_a_refresh_token_only_when_asked_for(sandbox: Sandbox) -> None:
    account = f"{secrets.token_hex(4)}@sandbox.test"
    assert "refresh_token" in tokens(sandbox, account=account, prompt=None)
    assert "refresh_token" not in tokens(sandbox, account=account, prompt=None)
    again = tokens(sandbox, account=account)
    assert "refresh_token" in again
    assert sandbox.http.post("/google/revoke", data={"token": again["access_token"]}).is_success
    assert "refresh_token" in tokens(sandbox, account=account, prompt=None)


def test_a_person_may_grant_less_than_was_wanted(sandbox: Sandbox) -> None:
    assert tokens(sandbox, granted=EVENTS_SCOPE)["scope"] == EVENTS_SCOPE


def test_an_account_that_nobody_named_before_is_made(sandbox: Sandbox) -> None:
    account = f"{secrets.token_hex(4)}@sandbox.test"
    assert exchange(sandbox, code(sandbox, account=account)).is_success


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_revoking_either_token_ends_the_grant(sandbox: Sandbox, which: str) -> None:
    given = tokens(sandbox)
    assert refresh(sandbox, given["refresh_token"]).is_success
    assert sandbox.http.post("/google/revoke", data={"token": given[which]}).is_success
    refused = refresh(sandbox, given["refresh_token"])
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    again = sandbox.http.post("/google/revoke", params={"token": given[which]})
    assert (again.status_code, again.json()["error"]) == (400, "invalid_token")


def test_a_scripted_status_is_googles_shape(sandbox: Sandbox) -> None:
    sandbox.fault(vendor="google_calendar", kind="oauth.token", status=503)
    answered = refresh(sandbox, "any")
    assert (answered.status_code, answered.json()["error"]) == (503, "internal_failure")


@pytest.fixture
def credentials(sandbox: Sandbox) -> Callable[[str], Credentials]:
    def make(refresh_token: str) -> Credentials:
        return Credentials(  # type: ignore[no-untyped-call]  # the library has no types here
            token=None,
            refresh_token=refresh_token,
            token_uri=f"{sandbox.url}/google/token",
            client_id="voicetodo",
            client_secret="any",
        )

    return make


def test_googles_own_library_refreshes(
    sandbox: Sandbox, credentials: Callable[[str], Credentials]
) -> None:
    account = f"{secrets.token_hex(4)}@sandbox.test"
    held = credentials(tokens(sandbox, account=account)["refresh_token"])
    with closing(httplib2.Http(timeout=5, proxy_info=None)) as http:
        held.refresh(Request(http))  # type: ignore[no-untyped-call]  # the library has no types here
        assert held.valid
        sandbox.http.post("/google/removed", params={"account": account})
        with pytest.raises(RefreshError, match="invalid_grant"):
            held.refresh(Request(http))  # type: ignore[no-untyped-call]  # as above

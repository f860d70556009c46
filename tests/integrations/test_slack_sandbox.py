"""The sandbox's Slack, as the vendor's own library and its verifier see it."""

import base64
import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx2
import orjson
import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.webhook import WebhookClient
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from core.settings import Settings
from integrations.sandbox.app import create_app
from tests import plain
from tests.integrations.conftest import Sandbox
from tests.patience import PATIENCE_S
from tests.serving import serve

SECRET = "s" * 40
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().strip("=")
BACK = "http://127.0.0.1:8000/api/v1/integrations/slack/callback"
SCOPES = "chat:write,commands,im:history,im:write"


def ask(sandbox: Sandbox, **changes: str) -> httpx2.Response:
    wanted = {
        "client_id": "voicetodo",
        "scope": SCOPES,
        "redirect_uri": BACK,
        "state": "stated",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return sandbox.http.get("/slack/oauth/v2/authorize", params=wanted | changes)


def answered(sandbox: Sandbox, **changes: str) -> dict[str, str]:
    answer = ask(sandbox, **changes)
    assert answer.status_code == 302, answer.text
    target = urlsplit(answer.headers["location"])
    assert f"{target.scheme}://{target.netloc}{target.path}" == BACK
    return dict(parse_qsl(target.query))


def exchange(sandbox: Sandbox, code: str, **changes: str) -> dict[str, Any]:
    given = {"code": code, "redirect_uri": BACK, "code_verifier": VERIFIER} | changes
    wanted = {"client_id": "voicetodo", "client_secret": "sandbox"} | given
    web = WebClient(base_url=f"{sandbox.url}/slack/api/")
    try:
        found = web.oauth_v2_access(**wanted).data
    except SlackApiError as error:
        found = error.response.data
    assert isinstance(found, dict)
    return found


def test_somebody_lets_the_app_in(sandbox: Sandbox) -> None:
    page = ask(sandbox)
    assert page.status_code == 200
    for said in ("Alice", "Bob", "Cancel"):
        assert said in page.text
    bob = next(
        each
        for each in orjson.loads(sandbox.http.get("/slack/members.json").content)
        if each["profile"]["email"] == "bob@example.com"
    )
    back = answered(sandbox, approve="1", account="bob@example.com")
    assert back["state"] == "stated"
    granted = exchange(sandbox, back["code"])
    assert granted["authed_user"] == {"id": bob["id"]}
    assert granted["team"] == {"id": "T0SANDBOX", "name": "Sandbox"}
    assert set(SCOPES.split(",")) <= set(granted["scope"].split(","))
    # Good once; and one bot for all who let it in.
    assert exchange(sandbox, back["code"])["error"] == "code_already_used"
    again = exchange(sandbox, answered(sandbox, approve="1")["code"])
    assert again["access_token"] == granted["access_token"]
    assert "xoxb" not in sandbox.http.get("/ledger").text

    web = WebClient(granted["access_token"], base_url=f"{sandbox.url}/slack/api/")
    assert web.auth_test()["team_id"] == "T0SANDBOX"
    with pytest.raises(SlackApiError) as refused:
        web.users_info(user=bob["id"])
    assert (refused.value.response["error"], refused.value.response["needed"]) == (
        "missing_scope",
        "users:read",
    )
    assert web.auth_revoke()["revoked"] is True
    with pytest.raises(SlackApiError, match="token_revoked"):
        web.auth_test()
    fresh = exchange(sandbox, answered(sandbox, approve="1")["code"])
    assert fresh["access_token"] != granted["access_token"]


def test_somebody_does_not(sandbox: Sandbox) -> None:
    assert answered(sandbox, deny="1") == {"error": "access_denied", "state": "stated"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"client_id": ""}, "invalid_client_id"),
        ({"scope": ""}, "invalid_scope"),
        ({"scope": "chat:write,admin"}, "invalid_scope"),
        ({"redirect_uri": "javascript:alert(1)"}, "bad_redirect_uri"),
        ({"code_challenge_method": "plain"}, "invalid_code_challenge_method"),
    ],
)
def test_a_wrong_question_is_shown_to_the_person(
    sandbox: Sandbox, changes: dict[str, str], code: str
) -> None:
    answer = ask(sandbox, approve="1", **changes)
    assert answer.status_code == 400
    assert code in answer.text


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code": "guessed"}, "invalid_code"),
        ({"client_id": "other"}, "invalid_client_id"),
        ({"redirect_uri": "http://127.0.0.1/elsewhere"}, "bad_redirect_uri"),
        ({"code_verifier": "w" * 64}, "invalid_code_verifier"),
    ],
)
def test_a_code_is_for_who_asked(sandbox: Sandbox, changes: dict[str, str], error: str) -> None:
    code = answered(sandbox, approve="1")["code"]
    assert exchange(sandbox, **({"code": code} | changes))["error"] == error
    assert exchange(sandbox, code)["ok"] is True


def test_a_client_secret_that_is_set_is_asked_for() -> None:
    config = Settings(_env_file=None, slack_client_id="voicetodo", slack_client_secret="right")
    with serve(create_app(config)) as url, plain.client(url) as http:
        own = Sandbox(url, http, 0)
        code = answered(own, approve="1")["code"]
        assert exchange(own, code, client_secret="wrong")["error"] == "bad_client_secret"
        assert exchange(own, code, client_secret="right")["ok"] is True


def test_a_home_is_published_and_guarded(sandbox: Sandbox) -> None:
    web = WebClient("xoxb-any", base_url=f"{sandbox.url}/slack/api/")
    user = sandbox.http.get("/slack/members.json").json()[0]["id"]
    blocks = [{"type": "header", "text": {"type": "plain_text", "text": "Today"}}]
    view = {"type": "home", "blocks": blocks}
    first = web.views_publish(user_id=user, view=view)["view"]
    shown = sandbox.http.get("/slack/client/home", params={"user": user}).json()
    assert shown["blocks"] == blocks
    assert sandbox.http.post("/slack/client/home", json={"user": user}).status_code == 409
    second = web.views_publish(user_id=user, view=view, hash=first["hash"])["view"]
    assert second["hash"] != first["hash"]
    for given, error in (
        ({"view": view, "hash": first["hash"]}, "hash_conflict"),
        ({"view": {"type": "modal", "blocks": blocks}}, "invalid_arguments"),
        ({"view": {"type": "home", "blocks": blocks * 101}}, "invalid_arguments"),
        ({"view": {"type": "home", "blocks": [{"type": "header"}]}}, "invalid_arguments"),
    ):
        with pytest.raises(SlackApiError, match=error):
            web.views_publish(user_id=user, **given)
    with pytest.raises(SlackApiError, match="user_not_found"):
        web.views_publish(user_id="U404", view=view)


def test_a_message_has_a_permalink(sandbox: Sandbox) -> None:
    web = WebClient("xoxb-any", base_url=f"{sandbox.url}/slack/api/")
    to = sandbox.http.post("/slack/channels", json={"name": "links"}).json()["id"]
    ts = web.chat_postMessage(channel=to, text="hello")["ts"]
    found = web.chat_getPermalink(channel=to, message_ts=ts)
    assert found["permalink"].endswith(f"/archives/{to}/p{ts.replace('.', '')}")
    with pytest.raises(SlackApiError, match="message_not_found"):
        web.chat_getPermalink(channel=to, message_ts="1.000001")


@dataclass
class App:
    """What an app of Slack's got, verified; `answers` are given in turn, the last one for ever."""

    answers: list[Response] = field(default_factory=lambda: [Response(b"")])
    got: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        raw, headers = await request.body(), dict(request.headers)
        assert SignatureVerifier(SECRET).is_valid_request(raw, headers)
        if headers["content-type"] == "application/json":
            body = orjson.loads(raw)
        else:
            body = {name: each[0] for name, each in parse_qs(raw.decode()).items()}
            body = orjson.loads(body["payload"]) if "payload" in body else body
        self.got.append((scope["path"], headers, body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        await answer(scope, receive, send)


@dataclass(frozen=True)
class Used:
    """A sandbox whose Slack has an app."""

    app: App
    url: str
    http: httpx2.Client

    def do(self, what: str, **given: Any) -> dict[str, Any]:
        answer = self.http.post(f"/slack/client/{what}", json=given)
        assert answer.status_code in (200, 201), answer.text
        found: dict[str, Any] = answer.json()
        return found

    def seen(self, **where: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.http.get("/slack/client/messages", params=where).json()
        return found


@contextmanager
def using() -> Iterator[Used]:
    app = App()
    config = Settings(_env_file=None, slack_signing_secret=SECRET)
    with (
        serve(app, lifespan="off") as to,
        serve(create_app(config, slack_to=f"{to}/hooks")) as url,
        plain.client(url) as http,
    ):
        yield Used(app, url, http)


@pytest.fixture
def used() -> Iterator[Used]:
    with using() as found:
        yield found


def test_a_command_is_signed_and_its_answer_seen_by_one(used: Used) -> None:
    used.app.answers = [Response(b'{"text": "On it"}', media_type="application/json")]
    told = used.do("command", user="bob", channel="general", text="buy milk")
    assert (told["status"], told["taken"]) == (200, True)
    [(path, headers, fields)] = used.app.got
    assert path == "/hooks/commands"
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert (fields["command"], fields["text"], fields["user_name"]) == ("/todo", "buy milk", "bob")
    [shown] = used.seen(user="bob", channel="general")
    assert (shown["text"], shown["ephemeral"]) == ("On it", True)
    assert used.seen(user="alice", channel="general") == []
    # Later, by the address that came with it: five times, and to everybody if so wished.
    webhook = WebhookClient(fields["response_url"])
    assert webhook.send(text="Added", response_type="in_channel").status_code == 200
    assert [each["text"] for each in used.seen(user="alice", channel="general")] == ["Added"]
    for _ in range(4):
        assert webhook.send(text="and more").status_code == 200
    assert webhook.send(text="too much").status_code == 404
    assert WebhookClient(f"{used.url}/slack/response/guessed").send(text="x").status_code == 404


def test_what_was_not_answered_is_told_to_the_person(used: Used) -> None:
    used.app.answers = [Response(status_code=500)]
    assert used.do("command", text="buy milk")["taken"] is False
    [shown] = used.seen()
    assert shown["text"] == "/todo failed with the error “dispatch_failed”"


def test_a_message_becomes_something_by_the_shortcut(used: Used) -> None:
    ts = used.do("message", channel="general", text="Could you send the report?")["ts"]
    used.do("shortcut", user="bob", channel="general", ts=ts)
    [(path, _, payload)] = used.app.got
    assert path == "/hooks/interactions"
    assert (payload["type"], payload["callback_id"]) == ("message_action", "voicetodo_make_todo")
    assert payload["message"]["text"] == "Could you send the report?"
    assert "bot_id" not in payload["message"]
    assert payload["user"]["name"] == "bob"
    answer = used.http.post("/slack/client/shortcut", json={"channel": "general", "ts": "1.0"})
    assert answer.status_code == 404


BUTTONS: list[dict[str, Any]] = [
    {
        "type": "actions",
        "block_id": "one",
        "elements": [
            {
                "type": "button",
                "action_id": "complete",
                "value": value,
                "text": {"type": "plain_text", "text": "Complete"},
            }
        ],
    }
    for value in ("a",)
]


def test_a_button_is_pressed_and_the_message_replaced(used: Used) -> None:
    web = WebClient("xoxb-any", base_url=f"{used.url}/slack/api/")
    to = used.http.get("/slack/members.json").json()[0]["id"]
    ts = web.chat_postMessage(channel=to, text="Water", blocks=BUTTONS)["ts"]
    used.do("action", ts=ts, action_id="complete")
    [(_, _, payload)] = used.app.got
    assert payload["type"] == "block_actions"
    assert payload["container"]["message_ts"] == ts
    [action] = payload["actions"]
    assert (action["action_id"], action["block_id"], action["value"]) == ("complete", "one", "a")
    webhook = WebhookClient(payload["response_url"])
    assert webhook.send(text="Done", replace_original=True).status_code == 200
    [shown] = used.seen()
    assert (shown["text"], shown["buttons"], shown["edited"]) == ("Done", [], True)
    answer = used.http.post("/slack/client/action", json={"ts": ts, "action_id": "complete"})
    assert answer.status_code == 404


def test_a_home_is_opened_and_its_buttons_work(used: Used) -> None:
    used.do("home")
    [(path, _, told)] = used.app.got
    assert path == "/hooks/events"
    assert (told["type"], told["event"]["type"]) == ("event_callback", "app_home_opened")
    assert "view" not in told["event"]
    web = WebClient("xoxb-any", base_url=f"{used.url}/slack/api/")
    view = {"type": "home", "blocks": BUTTONS}
    web.views_publish(user_id=told["event"]["user"], view=view)
    used.do("action", action_id="complete", value="a")
    _, _, payload = used.app.got[-1]
    assert payload["container"]["type"] == "view"
    assert payload["view"]["type"] == "home"
    assert "response_url" not in payload
    used.do("home")
    assert used.app.got[-1][2]["event"]["view"]["blocks"] == BUTTONS


def test_an_event_is_told_again_until_it_is_taken(used: Used) -> None:
    used.http.put("/slack/client/retries", json={"seconds": [0, 0, 0]})
    used.app.answers = [Response(status_code=503), Response(status_code=302), Response(b"")]
    told = used.do("event", event={"type": "app_uninstalled"})
    assert (told["status"], told["taken"], told["reason"]) == (503, False, "http_error")
    until = time.monotonic() + PATIENCE_S
    while len(used.app.got) < 3 and time.monotonic() < until:
        time.sleep(0.01)
    assert len({body["event_id"] for _, _, body in used.app.got}) == 1
    retries = [
        (headers.get("x-slack-retry-num"), headers.get("x-slack-retry-reason"))
        for _, headers, _ in used.app.got
    ]
    assert retries == [(None, None), ("1", "http_error"), ("2", "http_error")]


def test_an_app_may_decline_to_be_told_again(used: Used) -> None:
    used.http.put("/slack/client/retries", json={"seconds": [0, 0, 0]})
    used.app.answers = [Response(status_code=500, headers={"X-Slack-No-Retry": "1"})]
    used.do("event", event={"type": "app_uninstalled"})
    time.sleep(0.2)
    assert len(used.app.got) == 1


def test_a_lost_answer_makes_it_come_twice(used: Used) -> None:
    used.http.put("/slack/client/retries", json={"seconds": [0]})
    fault = {"vendor": "slack", "kind": "events", "times": 1, "drop": "after"}
    assert used.http.post("/faults", json=fault).status_code == 201
    used.do("event", event={"type": "app_uninstalled"})
    until = time.monotonic() + PATIENCE_S
    while len(used.app.got) < 2 and time.monotonic() < until:
        time.sleep(0.01)
    first, second = used.app.got
    assert first[2] == second[2]
    assert second[1]["x-slack-retry-reason"] == "http_timeout"


def test_the_page_is_used_by_people(used: Used) -> None:
    page = used.http.get("/slack/client")
    assert page.status_code == 200
    for said in ("No messages", "Alice", "# general", "/todo"):
        assert said in page.text
    answer = used.http.post("/slack/client/command", data={"user": "Bob", "text": "<b>x</b>"})
    assert answer.status_code == 303
    assert used.http.get(answer.headers["location"]).status_code == 200
    web = WebClient("xoxb-any", base_url=f"{used.url}/slack/api/")
    bob = next(m["id"] for m in used.http.get("/slack/members.json").json() if m["name"] == "bob")
    web.chat_postMessage(channel=bob, text="<i>Water</i>", blocks=BUTTONS)
    shown = used.http.get("/slack/client", params={"user": "bob"}).text
    assert 'name="action_id" value="complete"' in shown
    web.views_publish(user_id=bob, view={"type": "home", "blocks": BUTTONS})
    home = used.http.get("/slack/client", params={"user": "bob", "home": "1"}).text
    assert "App Home" in home
    assert 'name="value" value="a"' in home
    assert used.http.get("/slack/client", params={"user": "nobody"}).status_code == 404

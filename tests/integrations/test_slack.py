import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.models.blocks import ContextBlock, PlainTextObject

from core import clock
from core.errors import Gone, Revoked, VendorError
from integrations import slack as slack_module
from integrations.http import Client, vendor_client
from integrations.http_transport import Limits
from integrations.slack import Slack, SlackMessage
from tests.integrations.conftest import Sandbox
from tests.patience import until


def token() -> SecretStr:
    return SecretStr(f"xoxb-{uuid4().hex}")


def channel(sandbox: Sandbox, **more: object) -> str:
    made = sandbox.http.post("/slack/channels", json={"name": "plants", **more}).json()
    return str(made["id"])


def message(to: str, **changes: Any) -> SlackMessage:
    values: dict[str, Any] = {
        "team_id": uuid4().hex,  # no other test waits its turn with this one
        "channel": to,
        "text": "Water the plants",
        "blocks": [ContextBlock(elements=[PlainTextObject(text="Water the plants")])],
        "delivery_id": uuid4(),
    }
    return SlackMessage(**values | changes)


def posted(sandbox: Sandbox, to: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sandbox.http.get(f"/slack/channels/{to}/messages").json()
    return found


def methods(sandbox: Sandbox) -> list[str]:
    return [row["kind"] for row in sandbox.ledger()]


@pytest.fixture
def slack(sandbox: Sandbox, client: Client) -> Slack:
    return Slack(client, f"{sandbox.url}/slack/api/")


async def test_a_message_arrives(slack: Slack, sandbox: Sandbox) -> None:
    to, secret = channel(sandbox), token()
    sent = message(to)
    vendor_id = await slack.send(sent, secret)
    [shown] = posted(sandbox, to)
    assert vendor_id == f"{to}:{shown['ts']}"
    assert (shown["text"], shown["type"], shown["bot_id"]) == (
        "Water the plants",
        "message",
        "B0VOICETODO",
    )
    assert shown["metadata"] == {
        "event_type": "voicetodo_reminder",
        "event_payload": {"delivery_id": str(sent.delivery_id)},
    }
    [row] = sandbox.ledger()
    assert (row["vendor"], row["kind"], row["response_status"]) == (
        "slack",
        "chat.postMessage",
        200,
    )
    assert row["request"]["headers"]["authorization"] == "Bearer ***"
    assert "slackclient" in row["request"]["headers"]["user-agent"]
    assert secret.get_secret_value() not in sandbox.http.get("/ledger.json").text


async def test_nothing_opens_a_connection_but_our_client(
    sandbox: Sandbox, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The vendor's client would go where the environment says."""
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    to = channel(sandbox)
    await Slack(client, f"{sandbox.url}/slack/api/").send(message(to), token())
    assert len(posted(sandbox, to)) == 1


async def test_a_person_is_written_to_directly(slack: Slack, sandbox: Sandbox) -> None:
    member = sandbox.http.post(
        "/slack/members", json={"name": "Zoe", "email": f"{uuid4().hex}@example.com"}
    ).json()
    sent, secret = message(member["id"]), token()
    first = await slack.send(sent, secret)
    assert first.startswith("D")
    again = await slack.send(sent, secret, looked_since=clock.now())
    assert again == first
    assert len(posted(sandbox, member["id"])) == 1
    assert methods(sandbox) == ["chat.postMessage", "conversations.open", "conversations.history"]


@pytest.mark.parametrize(
    ("fault", "kind", "permanent", "ambiguous", "wait"),
    [
        ({"status": 429, "headers": {"Retry-After": "3"}}, VendorError, False, False, 3),
        ({"status": 429, "headers": {"Retry-After": "soon"}}, VendorError, False, False, 30),
        ({"status": 500}, VendorError, False, True, None),
        ({"status": 502, "body": {}}, VendorError, False, True, None),
        ({"status": 503, "body": "<html>\x00garbage"}, VendorError, False, True, None),
        ({"status": 200, "body": "<html>garbage"}, VendorError, False, True, None),
        ({"status": 200, "body": [1, 2]}, VendorError, False, True, None),
        ({"status": 200, "body": {}}, VendorError, False, True, None),
        ({"status": 404, "body": "nothing here"}, VendorError, True, False, None),
        ({"status": 302, "headers": {"Location": "/elsewhere"}}, VendorError, True, False, None),
        ({"drop": "before"}, VendorError, False, True, None),
        ({"drop": "after"}, VendorError, False, True, None),
        ({"delay_ms": 1500}, VendorError, False, True, None),
    ],
)
async def test_failures_say_whether_to_try_again_and_nothing_is_seen_twice(
    slack: Slack,
    sandbox: Sandbox,
    fault: dict[str, Any],
    kind: type[VendorError],
    permanent: bool,  # noqa: FBT001 - a column of the table
    ambiguous: bool,  # noqa: FBT001 - a column of the table
    wait: int | None,
) -> None:
    to, secret, began = channel(sandbox), token(), clock.now()
    sent = message(to)
    sandbox.fault(vendor="slack", **fault)
    with pytest.raises(VendorError) as caught:
        await slack.send(sent, secret)
    error = caught.value
    asked = None if wait is None else timedelta(seconds=wait)
    assert type(error) is kind
    assert (error.permanent, error.ambiguous, error.retry_after) == (permanent, ambiguous, asked)
    if "delay_ms" in fault:  # carried out late, although nobody waits for the answer any more
        await until(lambda: posted(sandbox, to))
    # The worker's next attempt has a team of its own here: it does not wait for Retry-After.
    once_more = message(to, delivery_id=sent.delivery_id)
    looked_since = began if error.ambiguous else None
    vendor_id = await slack.send(once_more, secret, looked_since=looked_since)
    [shown] = posted(sandbox, to)
    assert vendor_id == f"{to}:{shown['ts']}"


@pytest.mark.parametrize(
    ("code", "kind", "permanent", "ambiguous"),
    [
        ("invalid_auth", Revoked, True, False),
        ("account_inactive", Revoked, True, False),
        ("token_revoked", Revoked, True, False),
        ("missing_scope", Revoked, True, False),
        ("channel_not_found", Gone, True, False),
        ("not_in_channel", Gone, True, False),
        ("is_archived", Gone, True, False),
        ("ratelimited", VendorError, False, False),
        ("team_added_to_org", VendorError, False, False),
        ("internal_error", VendorError, False, True),
        ("fatal_error", VendorError, False, True),
        ("invalid_blocks", VendorError, True, False),
        ("<script>", VendorError, True, False),
    ],
)
async def test_errors_are_told_apart(
    slack: Slack,
    sandbox: Sandbox,
    code: str,
    kind: type[VendorError],
    permanent: bool,  # noqa: FBT001 - a column of the table
    ambiguous: bool,  # noqa: FBT001 - a column of the table
) -> None:
    sandbox.fault(vendor="slack", status=200, body={"ok": False, "error": code})
    with pytest.raises(VendorError) as caught:
        await slack.send(message(channel(sandbox)), token())
    error = caught.value
    assert type(error) is kind
    assert (error.permanent, error.ambiguous) == (permanent, ambiguous)
    assert "<script>" not in str(error)


async def test_it_finds_its_message_among_many(
    slack: Slack, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slack_module, "PAGE", 2)
    to, secret, began = channel(sandbox), token(), clock.now()
    mine = message(to)
    vendor_id = await slack.send(mine, secret)
    others = WebClient(secret.get_secret_value(), base_url=f"{sandbox.url}/slack/api/")
    for nth in range(5):
        metadata = {"event_type": "theirs", "event_payload": {"delivery_id": str(nth)}}
        others.chat_postMessage(channel=to, text=f"Chatter {nth}", metadata=metadata)
    assert await slack.send(mine, secret, looked_since=began) == vendor_id
    assert len(posted(sandbox, to)) == 6
    assert methods(sandbox).count("conversations.history") == 3


async def test_a_conversation_without_end_is_not_written_to_blindly(
    slack: Slack, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slack_module, "PAGE", 1)
    monkeypatch.setattr(slack_module, "PAGES", 2)
    to, secret = channel(sandbox), token()
    others = WebClient(secret.get_secret_value(), base_url=f"{sandbox.url}/slack/api/")
    for nth in range(3):
        others.chat_postMessage(channel=to, text=f"Chatter {nth}")
    with pytest.raises(VendorError) as caught:
        await slack.send(message(to), secret, looked_since=clock.now())
    assert not caught.value.permanent
    assert len(posted(sandbox, to)) == 3


async def test_a_refused_token_is_not_shown_again_and_again(slack: Slack, sandbox: Sandbox) -> None:
    secret = token()
    sandbox.http.post("/slack/revoked", json={"token": secret.get_secret_value()})
    team = uuid4().hex
    sends = [slack.send(message(channel(sandbox), team_id=team), secret) for _ in range(6)]
    outcomes = await asyncio.gather(*sends, return_exceptions=True)
    assert all(isinstance(each, Revoked) for each in outcomes)
    assert len(sandbox.ledger()) <= 3
    await slack.send(message(channel(sandbox), team_id=team), token())  # another one is its own


async def test_one_a_second_to_a_channel_and_the_rest_later(slack: Slack, sandbox: Sandbox) -> None:
    to, secret, team = channel(sandbox), token(), uuid4().hex
    sends = [slack.send(message(to, team_id=team), secret) for _ in range(5)]
    outcomes = await asyncio.gather(*sends, return_exceptions=True)
    at = [float(each["ts"]) for each in posted(sandbox, to)]
    assert len(at) == 2
    assert at[1] - at[0] > 0.9
    waits = sorted(
        each.retry_after.total_seconds()
        for each in outcomes
        if isinstance(each, VendorError) and each.retry_after
    )
    assert len(waits) == 3
    assert all(later - sooner > 0.7 for sooner, later in pairwise(waits))


async def test_what_a_workspace_is_asked_to_wait_for_all_wait_for(
    slack: Slack, sandbox: Sandbox
) -> None:
    team, secret = uuid4().hex, token()
    sandbox.fault(vendor="slack", status=429, headers={"Retry-After": "60"})
    for _ in range(3):
        with pytest.raises(VendorError) as caught:
            await slack.send(message(channel(sandbox), team_id=team), secret)
        assert caught.value.retry_after is not None
        assert caught.value.retry_after > timedelta(seconds=50)
    assert len(sandbox.ledger()) == 1


async def test_an_answer_without_end_is_cut_off(sandbox: Sandbox) -> None:
    async with vendor_client(Limits(timeout=1, max_body=1000)) as small:
        slack = Slack(small, f"{sandbox.url}/slack/api/")
        sandbox.fault(vendor="slack", status=200, body="x" * 100_000)
        with pytest.raises(VendorError) as caught:
            await slack.send(message(channel(sandbox)), token())
        assert caught.value.ambiguous


def test_the_vendors_own_client_is_accepted(sandbox: Sandbox) -> None:
    web = WebClient("xoxb-a-token", base_url=f"{sandbox.url}/slack/api/")
    assert web.auth_test()["team_id"] == "T0SANDBOX"
    ana = sandbox.http.post("/slack/members", json={"name": "Ana", "email": "Ana@x.example"}).json()
    found = web.users_lookupByEmail(email="ana@x.example")["user"]
    assert found["id"] == ana["id"] == web.users_info(user=ana["id"])["user"]["id"]
    direct = web.conversations_open(users=ana["id"])["channel"]["id"]
    metadata = {"event_type": "a", "event_payload": {"b": "c"}}
    ts = web.chat_postMessage(channel=direct, text="Hello", metadata=metadata)["ts"]
    web.chat_update(channel=direct, ts=ts, text="Hello again")
    [shown] = web.conversations_history(channel=direct, include_all_metadata=True)["messages"]
    assert (shown["text"], shown["metadata"]) == ("Hello again", metadata)
    assert "edited" in shown
    [plain] = web.conversations_history(channel=direct)["messages"]
    assert "metadata" not in plain
    assert web.conversations_history(channel=direct, oldest=ts)["messages"] == []
    assert (
        len(web.conversations_history(channel=direct, oldest=ts, inclusive=True)["messages"]) == 1
    )


@pytest.mark.filterwarnings("ignore:The top-level `text` argument is missing")  # meant to be
@pytest.mark.parametrize(
    ("token", "given", "code"),
    [
        ("xoxp-user", {}, "invalid_auth"),
        ("", {}, "not_authed"),
        ("xoxb-a", {"channel": "C404"}, "channel_not_found"),
        ("xoxb-a", {"channel": "U404"}, "channel_not_found"),
        ("xoxb-a", {"text": ""}, "no_text"),
        ("xoxb-a", {"text": "x" * 40_001}, "msg_too_long"),
        ("xoxb-a", {"blocks": [{"type": "marquee"}]}, "invalid_blocks"),
        ("xoxb-a", {"blocks": [{"type": "section"}]}, "invalid_blocks"),
        ("xoxb-a", {"blocks": [{"type": "actions", "elements": []}]}, "invalid_blocks"),
        ("xoxb-a", {"metadata": {"event_type": "x"}}, "invalid_metadata_format"),
    ],
)
def test_the_vendors_own_client_understands_the_errors(
    sandbox: Sandbox, token: str, given: dict[str, Any], code: str
) -> None:
    web = WebClient(token, base_url=f"{sandbox.url}/slack/api/")
    arguments = {"channel": channel(sandbox), "text": "Hello"} | given
    with pytest.raises(SlackApiError) as caught:
        web.chat_postMessage(**arguments)
    assert caught.value.response["error"] == code


def test_conversations_that_cannot_be_written_to(sandbox: Sandbox) -> None:
    web = WebClient("xoxb-a-token", base_url=f"{sandbox.url}/slack/api/")
    archived, elsewhere = channel(sandbox), channel(sandbox, is_member=False)
    assert sandbox.http.patch(f"/slack/channels/{archived}?archived=true").status_code == 200
    for to, code in ((archived, "is_archived"), (elsewhere, "not_in_channel")):
        with pytest.raises(SlackApiError) as caught:
            web.chat_postMessage(channel=to, text="Hello")
        assert caught.value.response["error"] == code
    assert posted(sandbox, archived) == posted(sandbox, elsewhere) == []


def test_the_page_shows_messages_and_escapes_them(sandbox: Sandbox) -> None:
    web = WebClient("xoxb-a-token", base_url=f"{sandbox.url}/slack/api/")
    to = channel(sandbox)
    web.chat_postMessage(channel=to, text="<b>&amp; bold</b>")
    shown = sandbox.http.get("/slack").text
    assert "# plants" in shown
    assert "&lt;b&gt;" in shown
    assert "<b>&amp; bold" not in shown


def test_ids_and_times_are_what_slack_gives(sandbox: Sandbox) -> None:
    web = WebClient("xoxb-a-token", base_url=f"{sandbox.url}/slack/api/")
    to = channel(sandbox)
    stamps = [web.chat_postMessage(channel=to, text="x")["ts"] for _ in range(3)]
    assert stamps == sorted(set(stamps))
    assert abs(datetime.fromtimestamp(float(stamps[0]), UTC) - clock.now()) < timedelta(seconds=5)
    assert to.startswith("C")

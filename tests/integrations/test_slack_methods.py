"""What is done in Slack besides posting, and how often Slack lets itself be called."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from slack_sdk.models.blocks import ContextBlock, PlainTextObject

from core.errors import Gone, VendorError
from integrations.slack import Slack
from tests.integrations.conftest import Sandbox
from tests.integrations.test_slack import channel, message, methods, posted, slack, token

__all__ = ["slack"]  # a fixture


async def test_silence_is_kept_by_that_method_in_that_workspace(
    slack: Slack, sandbox: Sandbox
) -> None:
    team, secret, to = uuid4().hex, token(), channel(sandbox)
    posted_as = await slack.send(message(to, team_id=team), secret)
    _, _, ts = posted_as.partition(":")
    change: dict[str, Any] = {"channel": to, "ts": ts, "text": "Changed", "blocks": []}
    sandbox.fault(vendor="slack", kind="chat.update", status=429, headers={"Retry-After": "60"})
    for _ in range(2):
        with pytest.raises(VendorError) as caught:
            await slack.update(team, secret, **change)
        assert caught.value.retry_after is not None
        assert caught.value.retry_after > timedelta(seconds=50)
    assert methods(sandbox).count("chat.update") == 1
    assert await slack.permalink(team, secret, channel=to, ts=ts)  # another method
    await slack.update(uuid4().hex, secret, **change)  # another workspace
    [shown] = posted(sandbox, to)
    assert shown["text"] == "Changed"


async def test_a_method_keeps_to_its_tier(slack: Slack, sandbox: Sandbox) -> None:
    """Tier 3 is 50 a minute: ten at once, then one in one and a half seconds."""
    team, secret, to = uuid4().hex, token(), channel(sandbox)
    _, _, ts = (await slack.send(message(to, team_id=team), secret)).partition(":")
    changes = [
        slack.update(team, secret, channel=to, ts=ts, text=f"{nth}", blocks=[]) for nth in range(14)
    ]
    outcomes = await asyncio.gather(*changes, return_exceptions=True)
    later = [each for each in outcomes if isinstance(each, VendorError)]
    assert methods(sandbox).count("chat.update") == 14 - len(later)
    assert 10 <= 14 - len(later) <= 12
    assert all(each.retry_after and not each.permanent for each in later)


async def test_a_home_is_shown(slack: Slack, sandbox: Sandbox) -> None:
    email = f"{uuid4().hex}@example.com"
    member = sandbox.http.post("/slack/members", json={"name": "Zoe", "email": email}).json()
    blocks = [ContextBlock(elements=[PlainTextObject(text="Nothing today")])]
    team = uuid4().hex
    for _ in range(2):  # twice is once
        await slack.publish(team, token(), slack_user_id=member["id"], blocks=blocks)
    assert methods(sandbox) == ["views.publish"] * 2
    with pytest.raises(Gone):
        await slack.publish(team, token(), slack_user_id="U404", blocks=blocks)


async def test_a_permalink_is_of_a_message_that_is_there(slack: Slack, sandbox: Sandbox) -> None:
    team, secret, to = uuid4().hex, token(), channel(sandbox)
    _, _, ts = (await slack.send(message(to, team_id=team), secret)).partition(":")
    found = await slack.permalink(team, secret, channel=to, ts=ts)
    assert found.endswith(f"/archives/{to}/p{ts.replace('.', '')}")
    with pytest.raises(Gone):
        await slack.permalink(team, secret, channel=to, ts="1.000001")

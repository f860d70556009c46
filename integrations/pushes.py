"""What our push messages say: a line or two, and buttons that act without opening the app.

The app's service worker shows it: `title`, `body`, `tag` (the same for each attempt, so a
repetition replaces itself), and `actions`; a click posts to `act_url` + the action's `token`.
"""

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import orjson

from core.models.deliveries import DeliveryKind
from core.rules import actions, digest_words
from core.rules.actions import Action, Verb
from core.rules.retries import USEFUL_FOR
from core.services.deliveries import Send
from integrations import wording
from integrations.web_push import MAX_CONTENT, Push

LISTED: Final = 5  # of a summary; more than a notification shows
SHORT_TITLE: Final = 80  # characters, where a push service takes less than it must
TEST_LASTS: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class _Words:
    """Only what a push message says; the rest is as in every short message."""

    snooze_10: str
    snooze_60: str
    test: str
    test_body: str


_WORDS: Final = {
    "en": _Words(
        snooze_10="In 10 minutes",
        snooze_60="In 1 hour",
        test="Push messages work here",
        test_body="You asked Voice Todo to try this device",
    ),
    "de": _Words(
        snooze_10="In 10 Minuten",
        snooze_60="In 1 Stunde",
        test="Push-Nachrichten kommen hier an",
        test_body="Voice Todo sollte dieses Gerät ausprobieren",
    ),
}


@dataclass(frozen=True, slots=True)
class Pushes:
    """Renders; `action_key` is `crypto.derive(encryption_key, actions.PURPOSE)`."""

    api_url: str
    action_key: bytes

    def render(self, send: Send) -> Push:
        """The message of this attempt; its delivery has a target."""
        assert send.target is not None  # noqa: S101 - nobody begins a push without
        words = _WORDS[wording.words(send.person.locale).language]
        lasts = send.due_at + USEFUL_FOR - send.began_at
        if send.kind is DeliveryKind.TEST:
            message = self._message(send, words.test, words.test_body)
            lasts = TEST_LASTS
        elif send.digest is not None:
            lines = digest_words.lines(send.digest, send.person.locale)
            message = self._message(send, send.title, "\n".join(lines))
        elif send.kind is DeliveryKind.SUMMARY:
            lines = digest_words.summary_lines(list(send.titles), send.person.locale, most=LISTED)
            message = self._message(send, send.title, "\n".join(lines))
        else:
            message = self._message(send, send.title, wording.moment(send, zoned=False))
            message["actions"] = self._actions(send, words)
        small = message | {"title": message["title"][:SHORT_TITLE], "actions": []}
        return Push(
            to=send.target,
            content=_fitting(message),
            smaller=orjson.dumps(small),
            topic=urlsafe_b64encode(send.delivery_id.bytes).decode().rstrip("="),
            urgency="high" if send.urgent else "normal",
            lasts=lasts,
        )

    def _message(self, send: Send, title: str, body: str) -> dict[str, Any]:
        due = send.due
        return {
            "kind": send.kind,
            "title": wording.one_line(title),
            "body": body,
            "tag": str(send.delivery_id),
            "urgent": send.urgent,
            "sent_at": send.began_at,
            "due": due and {"date": due.on, "time": due.at, "timezone": due.zone},
            "workspace_id": send.workspace_id,
            "todo_id": send.todo_id,
            "reminder_id": send.subject_id if send.kind is DeliveryKind.REMINDER else None,
            "url": self.api_url,
            "act_url": f"{self.api_url.rstrip('/')}/api/v1/actions/",
            "actions": [],
        }

    def _actions(self, send: Send, words: _Words) -> list[dict[str, str]]:
        """Two of these are shown by most browsers: the first two."""
        buttons = [
            ("snooze_10m", words.snooze_10, Verb.SNOOZE, 10),
            ("snooze_1h", words.snooze_60, Verb.SNOOZE, 60),
        ]
        if send.todo_id is not None:
            buttons.insert(
                0, ("complete", wording.words(send.person.locale).complete, Verb.COMPLETE, 0)
            )
        return [
            {"action": name, "title": title, "token": self._token(send, verb, minutes)}
            for name, title, verb, minutes in buttons
        ]

    def _token(self, send: Send, verb: Verb, minutes: int) -> str:
        completes = verb is Verb.COMPLETE and send.todo_id is not None
        action = Action(
            verb=verb,
            workspace_id=send.workspace_id,
            user_id=send.person.id,
            subject_id=send.todo_id if completes and send.todo_id else send.subject_id,
            message_id=send.delivery_id,
            expires_at=send.due_at + actions.LIFETIME,
            minutes=minutes,
        )
        return actions.token(self.action_key, action)


def _fitting(message: dict[str, Any]) -> bytes:
    """As JSON, with as much of the title as there is room for."""
    content = orjson.dumps(message)
    while len(content) > MAX_CONTENT:
        title = message["title"]
        message = message | {"title": title[: len(title) * 3 // 4 - 1] + "…"}
        content = orjson.dumps(message)
    return content

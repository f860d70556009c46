"""The sandbox's language model: what it proposes next, and what it was asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx2
import orjson

COMMAND: dict[str, Any] = {
    "intent": "create",
    "title": None,
    "target": None,
    "when": None,
    "when_in_english": None,
    "remind": False,
    "priority": None,
    "tags": [],
    "list": None,
}


def command(**said: Any) -> dict[str, Any]:
    return COMMAND | said


@dataclass(frozen=True, slots=True)
class Model:
    """`name` is that of this test's model: calls of earlier ones may still come in."""

    http: httpx2.Client
    name: str

    @classmethod
    def of(cls, http: httpx2.Client) -> "Model":
        """Nothing is scripted."""
        http.delete("/faults")
        http.delete("/proposals")
        return cls(http, f"small-{uuid4()}")

    @property
    def url(self) -> str:
        return str(self.http.base_url).rstrip("/")

    def propose(self, *commands: dict[str, Any], **script: Any) -> None:
        self.answer({"commands": list(commands)}, **script)

    def answer(self, content: object, **script: Any) -> None:
        answer = self.http.post("/proposals", json={"content": content, **script})
        assert answer.status_code == 201, answer.text

    def fault(self, times: int = 1, **fault: object) -> None:
        body = {"vendor": "language_model", "times": times, **fault}
        answer = self.http.post("/faults", json=body)
        assert answer.status_code == 201, answer.text

    def calls(self) -> Sequence[dict[str, Any]]:
        """The bodies of what it was asked."""
        rows = self.http.get("/ledger.json", params={"vendor": "language_model"}).json()
        bodies = [orjson.loads(row["request"]["body"]) for row in rows]
        return [body for body in bodies if body["model"] == self.name]

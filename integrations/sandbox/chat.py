"""Emulates servers of chat completions: `/v1/chat/completions` knows schemas, `/plain/v1/…` does
not. Neither thinks: what was scripted for an utterance, or else for any, is what it answers.

https://developers.openai.com/api/reference/resources/chat
"""

import re
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

import orjson
from pydantic import BaseModel, ConfigDict, Field

from integrations.sandbox.transcription import error
from integrations.sandbox.wire import Answer, Call, Vendor, json_answer

NAME: Final = "language_model"
PREFIXES: Final = ("/v1/chat/", "/plain/v1/")
PATH: Final = re.compile(r"(/plain)?/v1/chat/completions")
MAX_SCRIPTS: Final = 1000
NOTHING: Final[dict[str, Any]] = {"commands": []}
CHARS_OF_A_TOKEN: Final = 4


class Proposed(BaseModel):
    """What is answered to this utterance; without one, to every other. A `content` that is no text
    is answered as JSON, `fields` replace or add to the choice, `times` bounds how often.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    content: str | dict[str, Any]
    utterance: Annotated[str, Field(max_length=10_000)] | None = None
    times: Annotated[int, Field(ge=1)] | None = None
    fields: dict[str, Any] = {}


@dataclass(slots=True)
class ChatService:
    scripts: "OrderedDict[str | None, Proposed]" = field(default_factory=OrderedDict)
    vendor: Vendor = field(init=False)

    def __post_init__(self) -> None:
        self.vendor = Vendor(NAME, PREFIXES, lambda *_: "chat", self._complete, error)

    def script(self, proposed: Proposed) -> None:
        self.scripts[proposed.utterance] = proposed
        if len(self.scripts) > MAX_SCRIPTS:
            self.scripts.popitem(last=False)

    def _complete(self, call: Call) -> Answer:
        path = PATH.fullmatch(call.path)
        if path is None or call.method != "POST":
            return error(404)
        if not call.header(b"authorization")[len("Bearer ") :]:
            return error(401)
        try:
            asked = orjson.loads(call.body)
            utterance = orjson.loads(asked["messages"][-1]["content"])["utterance"]
            kind = asked["response_format"]["type"]
            model = str(asked["model"])
        except (orjson.JSONDecodeError, LookupError, TypeError):
            return error(400)
        if kind != "json_object" and path[1]:
            return error(400, message="'response_format.type' must be 'json_object' or 'text'")
        if not (kind == "json_object" or asked["response_format"]["json_schema"]["strict"]):
            return error(400, param="response_format")
        said = self._said(utterance)
        content = said.content
        text = content if isinstance(content, str) else orjson.dumps(content).decode()
        message = {"role": "assistant", "content": text, "refusal": None}
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        prompt, completion = len(call.body) // CHARS_OF_A_TOKEN, len(text) // CHARS_OF_A_TOKEN
        return json_answer(
            200,
            {
                "id": f"chatcmpl-{secrets.token_hex(12)}",
                "object": "chat.completion",
                "created": 1_800_000_000,
                "model": model,
                "choices": [choice | said.fields],
                "usage": {
                    "prompt_tokens": prompt,
                    "completion_tokens": completion,
                    "total_tokens": prompt + completion,
                },
            },
        )

    def _said(self, utterance: str) -> Proposed:
        for key in (utterance, None):
            found = self.scripts.get(key)
            if found is None:
                continue
            if found.times is not None:
                found.times -= 1
                if found.times == 0:
                    del self.scripts[key]
            return found
        return Proposed(content=NOTHING)

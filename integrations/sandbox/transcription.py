"""Emulates transcribers: servers of OpenAI's shape, each with its own deviations, and Deepgram.

`/v1/audio/transcriptions` is OpenAI's; `/openai/v1/…`, `/groq/v1/…`, `/speaches/v1/…`,
`/vllm/v1/…`, `/localai/v1/…` and `/deepgram/v1/listen` are those of each. None hears
anything: what was scripted for a file (by its SHA-256), or else for any, is what was said in it.
https://developers.openai.com/api/reference/resources/audio/subresources/transcriptions
https://developers.deepgram.com/reference/speech-to-text/listen-pre-recorded
"""

import io
import re
import secrets
import wave
from collections import OrderedDict
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Annotated, Any, Final
from urllib.parse import parse_qs

from pydantic import BaseModel, ConfigDict, Field

from integrations.sandbox.multipart import Part, parts
from integrations.sandbox.wire import Answer, Call, Vendor, json_answer

NAME: Final = "transcription"
PATH: Final = re.compile(r"/(?:(openai|groq|speaches|vllm|localai)/)?v1/audio/transcriptions")
LISTEN: Final = re.compile(r"/(?:deepgram/)?v1/listen")
PREFIXES: Final = ("/v1/audio/", "/openai/", "/groq/", "/speaches/", "/vllm/", "/localai/")
DEEPGRAM: Final = ("/v1/listen", "/deepgram/")
MAX_FILE: Final = 25 * 1024 * 1024
MAX_SCRIPTS: Final = 1000
DEFAULT: Final = "Remind me to call my mother tomorrow at five."
TEXT_ONLY: Final = re.compile(r"gpt-.*transcribe.*")
BAD_KEYWORD: Final = re.compile(r"[\x00-\x1f<>{}\[\]|;]")
LONGEST_KEYWORD: Final = 50
LANGUAGES: Final = {"en": "english", "de": "german", "es": "spanish", "fr": "french"}
FORMATS: Final = ("json", "verbose_json", "text")
NANOSECONDS: Final = 1_000_000_000
ERRORS: Final = {
    400: ("invalid_request_error", None),
    401: ("invalid_request_error", "invalid_api_key"),
    404: ("invalid_request_error", "model_not_found"),
    413: ("invalid_request_error", None),
    429: ("requests", "rate_limit_exceeded"),
}


class Scripted(BaseModel):
    """What is said in the file with this digest; without one in every other. `fields` replace or
    add to what is answered, `times` bounds how often; then it is as before.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    text: Annotated[str, Field(max_length=100_000)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    language: Annotated[str, Field(max_length=35)] = "en"
    confidence: Annotated[float, Field(ge=0, le=1)] = 0.98
    times: Annotated[int, Field(ge=1)] | None = None
    fields: dict[str, Any] = {}


@dataclass(slots=True)
class TranscriptionService:
    scripts: "OrderedDict[str | None, Scripted]" = field(default_factory=OrderedDict)
    vendors: tuple[Vendor, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.vendors = (
            Vendor(NAME, PREFIXES, lambda *_: "transcriptions", self._transcribe, error),
            Vendor(NAME, DEEPGRAM, lambda *_: "listen", self._listen, deepgram_error),
        )

    def script(self, scripted: Scripted) -> None:
        self.scripts[scripted.sha256] = scripted
        if len(self.scripts) > MAX_SCRIPTS:
            self.scripts.popitem(last=False)

    def _said(self, audio: bytes) -> Scripted:
        for digest in (sha256(audio).hexdigest(), None):
            found = self.scripts.get(digest)
            if found is None:
                continue
            if found.times is not None:
                found.times -= 1
                if found.times == 0:
                    del self.scripts[digest]
            return found
        return Scripted(text=DEFAULT)

    def _transcribe(self, call: Call) -> Answer:
        path = PATH.fullmatch(call.path)
        if path is None or call.method != "POST":
            return error(404)
        server = path[1] or "openai"
        if server in ("openai", "groq") and not call.header(b"authorization")[len("Bearer ") :]:
            return error(401)
        form = parts(call)
        if problem := _problem(server, form):
            return problem
        audio = form["file"][0].content
        said = self._said(audio)
        wanted = _text(form, "response_format") or "json"
        if wanted == "text":
            return Answer(200, said.text.encode(), ((b"content-type", b"text/plain"),))
        seconds = _seconds(audio)
        if wanted == "json":
            content: dict[str, Any] = {"text": said.text}
            if server == "openai":
                content["usage"] = {"type": "duration", "seconds": round(seconds)}
        else:
            content = _verbose(server, said, seconds)
        if server == "groq":
            content["x_groq"] = {"id": f"req_{secrets.token_hex(13)}"}
        return json_answer(200, content | said.fields)

    def _listen(self, call: Call) -> Answer:
        if LISTEN.fullmatch(call.path) is None or call.method != "POST":
            return deepgram_error(404)
        if not call.header(b"authorization").startswith(("Token ", "Bearer ")):
            return deepgram_error(401)
        if not call.body:
            return deepgram_error(400)
        said, seconds = self._said(call.body), _seconds(call.body)
        heard = {
            "transcript": said.text,
            "confidence": said.confidence if said.text else 0.0,
            "words": [
                {
                    "word": text.strip(".,!?").lower(),
                    "start": first,
                    "end": last,
                    "confidence": said.confidence,
                    "punctuated_word": text,
                }
                for text, first, last in _words(said.text, seconds)
            ],
        }
        channel: dict[str, Any] = {"alternatives": [heard | said.fields]}
        if parse_qs(call.query).get("detect_language"):
            channel |= {"detected_language": said.language, "language_confidence": 0.99}
        metadata = {
            "request_id": secrets.token_hex(16),
            "sha256": sha256(call.body).hexdigest(),
            "duration": seconds,
            "channels": 1,
        }
        return json_answer(200, {"metadata": metadata, "results": {"channels": [channel]}})


def error(status: int, *, param: str | None = None, message: str = "It was refused.") -> Answer:
    kind, code = ERRORS.get(status, ("server_error", None))
    content = {"message": message, "type": kind, "param": param, "code": code}
    return json_answer(status, {"error": content})


def deepgram_error(status: int) -> Answer:
    codes = {400: "Bad Request", 401: "INVALID_AUTH", 402: "ASR_PAYMENT_REQUIRED"}
    content = {
        "err_code": codes.get(status, "INTERNAL_SERVER_ERROR"),
        "err_msg": "It was refused.",
        "request_id": secrets.token_hex(16),
    }
    return json_answer(status, content)


def _problem(server: str, form: dict[str, list[Part]]) -> Answer | None:
    model, audio = _text(form, "model"), form["file"][0].content if form.get("file") else b""
    wanted = _text(form, "response_format") or "json"
    only_text = server == "openai" and TEXT_ONLY.fullmatch(model) is not None
    keywords = [part.text for part in form.get("keywords[]", []) + form.get("keywords", [])]
    bad = any(BAD_KEYWORD.search(each) or len(each) > LONGEST_KEYWORD for each in keywords)
    if len(audio) > MAX_FILE:
        return error(413, message="Maximum content size limit (26214400) exceeded.")
    problems = {
        "file": not audio,
        "model": not model,
        "response_format": wanted not in FORMATS or (only_text and wanted != "json"),
        "keywords": bool(keywords) and (bad or not only_text),
    }
    param = next((name for name, holds in problems.items() if holds), None)
    return error(400, param=param, message=f"Unsupported value: {param}.") if param else None


def _verbose(server: str, said: Scripted, seconds: float) -> dict[str, Any]:
    """As each of them answers `verbose_json`, seen in their issue trackers."""
    timed = _words(said.text, seconds)
    words = [{"word": text, "start": first, "end": last} for text, first, last in timed]
    whole: dict[str, Any] = {
        "id": 0,
        "seek": 0,
        "start": 0.0,
        "end": seconds,
        "text": f" {said.text}",
        "tokens": [50364, 50464],
        "temperature": 0.0,
        "avg_logprob": -0.21,
        "compression_ratio": 1.1,
        "no_speech_prob": 0.02,
    }
    content: dict[str, Any] = {
        "task": "transcribe",
        "language": LANGUAGES.get(said.language, said.language),
        "duration": seconds,
        "text": said.text,
        "segments": [whole],
        "words": words,
    }
    if server == "vllm":
        content |= {
            "duration": str(seconds),
            "language": said.language,
            "segments": [whole | {"compression_ratio": None, "no_speech_prob": None}],
            "words": None,
        }
    elif server == "speaches":
        with_probability = [each | {"probability": said.confidence} for each in words]
        content |= {"segments": [], "words": with_probability}
    elif server == "localai":
        content = {
            "text": said.text,
            "segments": [
                {
                    "id": 0,
                    "start": 0,
                    "end": int(seconds * NANOSECONDS),
                    "text": said.text,
                    "tokens": [50364],
                    "words": [
                        {
                            "text": text,
                            "start": int(first * NANOSECONDS),
                            "end": int(last * NANOSECONDS),
                        }
                        for text, first, last in timed
                    ],
                }
            ],
        }
    return content


def _words(text: str, seconds: float) -> list[tuple[str, float, float]]:
    words = text.split()
    each = seconds / max(len(words), 1)
    return [(word, round(at * each, 3), round((at + 1) * each, 3)) for at, word in enumerate(words)]


def _seconds(audio: bytes) -> float:
    try:
        with wave.open(io.BytesIO(audio)) as opened:
            return float(opened.getnframes() / opened.getframerate())
    except (wave.Error, EOFError, ZeroDivisionError):
        return 1.0  # anything else is not measured here


def _text(form: dict[str, list[Part]], name: str) -> str:
    found = form.get(name)
    return found[0].text if found else ""

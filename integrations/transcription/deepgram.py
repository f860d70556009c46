"""Deepgram's pre-recorded audio: https://developers.deepgram.com/reference/speech-to-text/listen-pre-recorded

The only one of them that says how sure it is, of the whole and of each word.
"""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlencode

from pydantic import SecretStr

from integrations.audio.sound import Speech
from integrations.http import Client
from integrations.transcription import refusals, spoken
from integrations.transcription.keywords import sanitised
from integrations.transcription.languages import code
from integrations.transcription.protocol import Quality, Transcript, Word

NAME: Final = "deepgram"
BASE_URL: Final = "https://api.deepgram.com"
MODEL: Final = "nova-3"


class Deepgram:
    """One object for all that a process sends. `client` bounds the time of a call."""

    name = NAME
    third_party = True

    def __init__(
        self,
        client: Client,
        *,
        key: SecretStr,
        base_url: str = BASE_URL,
        model: str = MODEL,
        price: int | None = None,
    ) -> None:
        """`price` of a minute in millionths of a dollar."""
        self._client = client
        self._key = key
        self._url = f"{base_url.rstrip('/')}/v1/listen"
        self._model = model
        self._price = price

    def hears(self, language: str | None) -> bool:  # noqa: ARG002 - of the protocol
        return True

    async def transcribe(
        self, speech: Speech, *, language: str | None, keywords: Sequence[str], idempotency_key: str
    ) -> Transcript:
        wishes = [("model", self._model), ("smart_format", "false"), ("punctuate", "true")]
        known = code(language)
        wishes.append(("language", known) if known else ("detect_language", "true"))
        wishes += [("keyterm", each) for each in sanitised(keywords)]
        answer = await self._client.post(
            f"{self._url}?{urlencode(wishes)}",
            headers={
                "authorization": f"Token {self._key.get_secret_value()}",
                "content-type": "audio/wav",
                "idempotency-key": idempotency_key,
            },
            content=speech.wav(),
        )
        if not answer.is_success:
            wait = answer.headers.get("retry-after")
            raise refusals.refusal(NAME, answer.status_code, wait=wait)
        try:
            channel = answer.json()["results"]["channels"][0]
            heard = channel["alternatives"][0]
            text = str(heard["transcript"])
        except (ValueError, LookupError, TypeError) as error:
            raise refusals.unreadable(NAME, answer.status_code) from error
        return Transcript(
            text=text,
            language=code(channel.get("detected_language")) or known,
            confidence=spoken.confidence(heard.get("confidence")) if text else None,
            words=_words(heard),
            transcriber=self.name,
            model=self._model,
            quality=Quality.STANDARD,
            audio_s=speech.seconds,
            cost_microdollars=refusals.price(self._price, speech.seconds),
        )


def _words(heard: dict[str, Any]) -> list[Word]:
    return [word for each in spoken.dicts(heard.get("words")) if (word := _word(each))]


def _word(given: dict[str, Any]) -> Word | None:
    return spoken.word(
        {
            "word": given.get("punctuated_word") or given.get("word"),
            "start": given.get("start"),
            "end": given.get("end"),
            "probability": given.get("confidence"),
        }
    )

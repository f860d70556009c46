"""Any server that speaks `POST /v1/audio/transcriptions`: OpenAI, Groq, speaches, vLLM, LocalAI.

https://developers.openai.com/api/reference/resources/audio/subresources/transcriptions and, of the
others, their compatible endpoints; how they differ is in `profiles` and in `spoken`.
"""

from collections.abc import Sequence
from typing import Final

import orjson
from openai import APIStatusError, Omit, omit
from pydantic import SecretStr

from core.errors import VendorError
from integrations.audio.sound import Speech
from integrations.http import Client
from integrations.openai_client import connected, content, openai_client
from integrations.transcription import refusals, spoken
from integrations.transcription.keywords import sanitised
from integrations.transcription.languages import code
from integrations.transcription.profiles import PROFILES
from integrations.transcription.protocol import Quality, Transcript

NAME: Final = "openai"
TIMEOUT_S: Final = 30.0
NOT_UNDERSTOOD: Final = (400, 422)
PROMPT_CHARS: Final = 400  # Whisper keeps the last 224 tokens


class OpenAI:
    """The vendor's client, which builds and judges the calls, over our connections.

    One object for all that a process sends. `client` bounds the time of a call.
    """

    name = NAME

    def __init__(
        self,
        client: Client,
        profile: str,
        *,
        key: SecretStr | None,
        base_url: str | None = None,
        model: str | None = None,
        price: int | None = None,
    ) -> None:
        """`price` of a minute in millionths of a dollar. A profile of one's own server has no
        `base_url`: it must be given.
        """
        self._profile = PROFILES[profile]
        self._vendor = profile
        self._model = model or self._profile.model
        self._price = price
        self._plain = False  # this server did not take our wishes: do not ask again
        self._openai = openai_client(
            client, key=key, base_url=base_url or self._profile.base_url, timeout_s=TIMEOUT_S
        )

    @property
    def third_party(self) -> bool:
        return self._profile.third_party

    def hears(self, language: str | None) -> bool:  # noqa: ARG002 - of the protocol
        return True

    async def transcribe(
        self, speech: Speech, *, language: str | None, keywords: Sequence[str], idempotency_key: str
    ) -> Transcript:
        """A wish that is not understood (400, 422) is given up once; then it is final."""
        plain = self._plain
        try:
            answer = await self._ask(
                speech, language, () if plain else keywords, idempotency_key, plain=plain
            )
        except APIStatusError as error:
            if plain or error.status_code not in NOT_UNDERSTOOD:
                raise self._refusal(error) from error
            try:
                answer = await self._ask(speech, language, (), idempotency_key, plain=True)
            except APIStatusError as again:
                raise self._refusal(again) from again
            self._plain = True
        try:
            found = spoken.read(orjson.loads(answer))
        except orjson.JSONDecodeError:
            found = None
        if found is None:
            raise refusals.unreadable(self._vendor, 200)
        return Transcript(
            text=found.text,
            language=found.language,
            confidence=None,  # none of them tells one; likelihoods of tokens are something else
            words=found.words,
            transcriber=self.name,
            model=self._model,
            quality=Quality.STANDARD,
            audio_s=speech.seconds,
            cost_microdollars=refusals.price(self._price, speech.seconds),
        )

    async def _ask(
        self,
        speech: Speech,
        language: str | None,
        keywords: Sequence[str],
        idempotency_key: str,
        *,
        plain: bool,
    ) -> bytes:
        verbose = self._profile.verbose and not plain
        hints = sanitised(keywords)
        as_prompt = hints and self._profile.hints == "prompt"
        with connected():
            answer = await self._openai.audio.transcriptions.with_raw_response.create(
                file=("speech.wav", speech.wav(), "audio/wav"),
                model=self._model,
                language=code(language) or omit,
                response_format="verbose_json" if verbose else "json",
                timestamp_granularities=["word", "segment"] if verbose else omit,
                keywords=hints if hints and not as_prompt else omit,
                prompt=_prompt(hints) if as_prompt else omit,
                extra_headers={"Idempotency-Key": idempotency_key},
            )
        return content(answer)

    def _refusal(self, error: APIStatusError) -> VendorError:
        wait = error.response.headers.get("retry-after")
        return refusals.refusal(self._vendor, error.status_code, wait=wait, code=error.code)


def _prompt(hints: Sequence[str]) -> str | Omit:
    text = ", ".join(hints)
    return text if len(text) <= PROMPT_CHARS else text[:PROMPT_CHARS].rpartition(",")[0] or omit

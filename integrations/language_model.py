"""A language model that proposes what was meant: any server of OpenAI's chat completions.

https://developers.openai.com/api/docs/guides/structured-outputs. It is asked in passing, while a
person waits: one call within the time that was set, none while it rests after failures, and
whatever goes wrong comes to the same as if there were none.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from core import logs, metrics
from core.errors import VendorError
from core.rules.understanding.proposals import Proposal
from core.settings import Settings
from integrations import language_model_wire as wire
from integrations.http import Client, retry_after, vendor_client
from integrations.http_transport import Limits

if TYPE_CHECKING:
    from openai import APIStatusError

log = logs.get(__name__)

AT_A_TIME: Final = 16  # of a process; who comes then is not made to wait
MANY: Final = 5  # failures in turn, after which it rests
REST: Final = timedelta(seconds=30)
LONG_REST: Final = timedelta(minutes=5)  # a key or a model that an operator has to mend
LONGEST_REST: Final = timedelta(minutes=15)
BAD_REQUEST: Final = 400
ACCOUNT: Final = (401, 402, 403, 404)
STRICT: Final[Mapping[str, Any]] = {
    "type": "json_schema",
    "json_schema": {"name": wire.NAME, "strict": True, "schema": wire.SCHEMA},
}
LOOSE: Final[Mapping[str, Any]] = {"type": "json_object"}


class LanguageModel:
    """One object for all that a process asks. `clock` counts seconds; it is for tests."""

    def __init__(
        self,
        client: Client,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`language_model_url` and `language_model_name` must be set."""
        # 30 MB and half a second that only those pay who use it.
        from integrations.openai_client import openai_client  # noqa: PLC0415 - as said

        self.third_party = not settings.language_model_local
        self._name = settings.language_model_name or ""
        self._timeout_s = settings.language_model_timeout_s
        self._openai = openai_client(
            client,
            key=settings.language_model_key,
            base_url=settings.language_model_url,
            timeout_s=self._timeout_s,
        )
        self._clock = clock
        self._format = STRICT
        self._failures = 0
        self._rests_until = 0.0
        self._asking = 0

    async def propose(self, text: str, language: str) -> Proposal | None:
        """Within the time that was set, and without ever raising; null: nothing usable came."""
        began = self._clock()
        if began < self._rests_until or self._asking >= AT_A_TIME:
            metrics.LANGUAGE_MODEL_CALLS.labels("spared").observe(0)
            return None
        self._asking += 1
        try:
            async with asyncio.timeout(self._timeout_s):
                proposal, outcome = await self._ask(text, language)
        except TimeoutError:
            proposal, outcome = None, "timeout"
            self._failed(None)
        except VendorError as error:
            proposal, outcome = None, "failed"
            self._failed(error)
        except Exception as error:  # noqa: BLE001 - nobody's todo is lost for what goes wrong here
            proposal, outcome = None, "failed"
            self._failed(None)
            log.error("language_model.broken", error=error)
        finally:
            self._asking -= 1
        metrics.LANGUAGE_MODEL_CALLS.labels(outcome).observe(self._clock() - began)
        if proposal is None:
            log.warning("language_model.no_proposal", outcome=outcome)
        return proposal

    async def _ask(self, text: str, language: str) -> tuple[Proposal | None, str]:
        from openai import APIStatusError  # noqa: PLC0415 - as above

        try:
            body = await self._call(text, language)
        except APIStatusError as error:
            if not self._is_of_format(error):
                raise _refusal(error) from error
            self._format = LOOSE
            try:
                body = await self._call(text, language)
            except APIStatusError as again:
                raise _refusal(again) from again
        answer = wire.completion(body)
        if answer is None:  # half an answer, a gateway's page
            raise VendorError("the language model gave no answer", permanent=False)
        self._failures = 0
        if answer.usage is not None:
            tokens = metrics.LANGUAGE_MODEL_TOKENS
            tokens.labels("prompt").inc(max(answer.usage.prompt_tokens or 0, 0))
            tokens.labels("completion").inc(max(answer.usage.completion_tokens or 0, 0))
        proposal = answer.proposal()
        return proposal, "unreadable" if proposal is None else "answered"

    async def _call(self, text: str, language: str) -> bytes:
        from integrations.openai_client import connected, content  # noqa: PLC0415 - as above

        messages: Any = wire.messages(text, language)
        response_format: Any = self._format
        with connected():
            answer = await self._openai.chat.completions.with_raw_response.create(
                model=self._name, messages=messages, response_format=response_format
            )
        return content(answer)

    def _is_of_format(self, error: "APIStatusError") -> bool:
        """Whether the server does not know schemas; it is not asked for them again."""
        if self._format is LOOSE or error.status_code != BAD_REQUEST:
            return False
        return error.param == "response_format" or "response_format" in error.response.text

    def _failed(self, error: VendorError | None) -> None:
        self._failures += 1
        rest = timedelta(0)
        if error is not None and error.permanent:
            rest = LONG_REST
        elif self._failures >= MANY:
            rest = REST
        if error is not None and error.retry_after is not None:
            rest = max(rest, error.retry_after)
        if rest:
            rest = min(rest, LONGEST_REST)
            self._rests_until = self._clock() + rest.total_seconds()
            self._failures = 0
            log.warning("language_model.rests", error=error)


def _refusal(error: "APIStatusError") -> VendorError:
    """Permanent where other utterances would fare the same."""
    return VendorError(
        f"the language model answered {error.status_code}",
        permanent=error.status_code in ACCOUNT or error.code == "insufficient_quota",
        retry_after=retry_after(error.response.headers.get("retry-after")),
    )


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[LanguageModel | None]:
    """The one that the settings name, with connections of its own; null: it is off."""
    if settings.language_model_url is None:
        yield None
        return
    limits = Limits(timeout=settings.language_model_timeout_s, connections=AT_A_TIME)
    async with vendor_client(limits) as http:
        yield LanguageModel(http, settings)

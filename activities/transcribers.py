"""Who is asked to transcribe, in which order, and who is left alone for now."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from activities.circuits import Circuits
from core.errors import VendorError
from core.messages import Provider
from core.services.memo_processing import Waiting
from integrations.transcription.registry import Provider as SetUp

NOW: Final = timedelta(0)
# So long a call that was refused waits with its own provider; for longer the next one is asked.
PATIENCE: Final = timedelta(seconds=20)
LONGEST_REST: Final = timedelta(minutes=15)  # whatever a Retry-After says; then it is asked again


@dataclass(frozen=True, slots=True)
class Choice:
    """Whom to ask next; nobody: why, and for how long all that come into question rest."""

    provider: Provider | None
    why: Waiting = Waiting.UNANSWERED
    rest: timedelta = NOW


class Transcribers:
    """Those that are set up, in the order of the setting. Shared by the activities of a worker.

    What rests is remembered by each worker for itself, as with `Circuits`: it saves calls, nothing
    is wrong without it. `clock` counts seconds; it is an argument for tests.
    """

    def __init__(
        self, providers: Sequence[SetUp], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._providers = {Provider(each.name): each for each in providers}
        self._circuits = Circuits(clock)
        self._clock = clock
        self._resting: dict[Provider, float] = {}

    def get(self, provider: Provider) -> SetUp | None:
        return self._providers.get(provider)

    def after(
        self, last: Provider | None, *, language: str | None, consented: bool, tenant: UUID
    ) -> Choice:
        """The next one after `last` that may be asked, knows the language and does not rest."""
        if not self._providers:
            return Choice(None, Waiting.NONE_CONFIGURED)
        knowing = [each for each in self._providers if self._providers[each].hears(language)]
        if not knowing:
            return Choice(None, Waiting.LANGUAGE)
        allowed = [each for each in knowing if consented or not self._providers[each].third_party]
        if not allowed:
            return Choice(None, Waiting.CONSENT)
        order = list(self._providers)
        passed = order.index(last) if last in order else -1
        rests = {each: self.rests(each, tenant) for each in allowed}
        for each, rest in rests.items():
            if order.index(each) > passed and rest <= NOW:
                return Choice(each)
        return Choice(None, Waiting.UNANSWERED, min(rests.values()))

    def rests(self, provider: Provider, tenant: UUID) -> timedelta:
        """For how long it is not to be asked."""
        left = self._resting.get(provider, 0.0) - self._clock()
        by_itself = timedelta(seconds=max(left, 0.0))
        return max(by_itself, self._circuits.rests(provider, tenant) or NOW)

    def admit(self, provider: Provider, tenant: UUID) -> bool:
        """Whether to call it now; then tell what came of it."""
        if self._resting.get(provider, 0.0) > self._clock():
            return False
        return self._circuits.admit(provider, tenant) is None

    def answered(self, provider: Provider, tenant: UUID) -> None:
        self._circuits.answered(provider, tenant)

    def failed(self, provider: Provider, tenant: UUID, error: VendorError) -> None:
        """For a passing reason. Whoever asked for more than a moment is left alone, by all."""
        asked = error.retry_after
        self._circuits.failed(provider, tenant, asked=asked)
        if asked is not None and asked > PATIENCE:
            rest = min(asked, LONGEST_REST)
            self._resting[provider] = self._clock() + rest.total_seconds()

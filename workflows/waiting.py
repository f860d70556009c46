"""Workflows that wait for something outside, visibly, and that an operator can wake."""

from contextlib import suppress
from datetime import timedelta

from temporalio import workflow

SHORTEST_WAIT = timedelta(milliseconds=100)


class Waiting:
    """To be derived from. What it waits with is a timer: nothing runs meanwhile."""

    def __init__(self) -> None:
        self._woken = False

    @workflow.signal
    def look_again(self) -> None:
        """An operator mended what it waits for: no need to wait for the next look."""
        self._woken = True

    async def wait(self, wait_ms: int, *, why: str, goes_on: str, until: str) -> None:
        """Until then, or until it is woken. `why`, `goes_on` and `until` are for operators."""
        wait = max(timedelta(milliseconds=wait_ms), SHORTEST_WAIT)
        at = workflow.now() + wait
        workflow.set_current_details(
            f"{why}. Nothing is lost. {goes_on} at {at:%Y-%m-%d %H:%M:%S} UTC, or when it is sent"
            " the signal `look_again`."
        )
        self._woken = False
        with suppress(TimeoutError):
            await workflow.wait_condition(lambda: self._woken, timeout=wait, timeout_summary=until)

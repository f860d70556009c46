from collections.abc import Iterator
from datetime import timedelta

import pytest
from temporalio.exceptions import ApplicationErrorCategory

from activities.errors import TABLE, Treatment, failed, translate, treatment
from core.errors import (
    Error,
    Gone,
    Misconfigured,
    NotFound,
    RateLimited,
    Revoked,
    Unavailable,
    VendorError,
)
from core.models.deliveries import Channel
from core.rules.retries import Reason
from core.services.deliveries import Failed

A_WHILE = timedelta(seconds=7)


def everything(kind: type[Error]) -> Iterator[type[Error]]:
    yield kind
    for each in kind.__subclasses__():
        yield from everything(each)


def test_the_table_knows_every_kind_of_error() -> None:
    ours = {each for each in everything(Error) if each.__module__.startswith("core.")}
    assert ours == set(TABLE)


@pytest.mark.parametrize(
    ("error", "expected", "final", "wait"),
    [
        (Unavailable(), Treatment.RETRY, False, None),
        (NotFound(), Treatment.BENIGN, True, None),
        (Misconfigured(), Treatment.THROTTLE, False, timedelta(minutes=1)),
        (RateLimited(limit=1, retry_after=A_WHILE), Treatment.THROTTLE, False, A_WHILE),
        (VendorError(permanent=True, retry_after=A_WHILE), Treatment.GIVE_UP, True, None),
        (VendorError(permanent=False), Treatment.RETRY, False, None),
        (VendorError(permanent=False, retry_after=A_WHILE), Treatment.THROTTLE, False, A_WHILE),
    ],
)
def test_what_temporal_makes_of_it(
    error: Error,
    expected: Treatment,
    final: bool,  # noqa: FBT001 - a column of the table
    wait: timedelta | None,
) -> None:
    assert treatment(error) is expected
    told = translate(error)
    assert (told.type, told.non_retryable, told.next_retry_delay) == (
        type(error).__name__,
        final,
        wait,
    )
    benign = told.category is ApplicationErrorCategory.BENIGN
    assert benign is (expected is Treatment.BENIGN)


def test_what_was_said_does_not_reach_temporal() -> None:
    assert "Ada" not in str(translate(NotFound("Ada has no such todo")))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (VendorError(permanent=True), Reason.VENDOR_REJECTED),
        (VendorError(permanent=False, ambiguous=True), Reason.VENDOR_UNAVAILABLE),
        (VendorError(permanent=False, retry_after=A_WHILE), Reason.VENDOR_THROTTLED),
    ],
)
def test_what_the_ledger_says(error: VendorError, reason: Reason) -> None:
    found = failed(error, Channel.EMAIL)
    assert (found.reason, found.permanent, found.ambiguous, found.wait) == (
        reason,
        error.permanent,
        error.ambiguous,
        error.retry_after,
    )


@pytest.mark.parametrize(
    ("error", "channel", "reason"),
    [
        (Gone(permanent=True), Channel.PUSH, Reason.SUBSCRIPTION_ENDED),
        (Gone(permanent=True), Channel.SLACK, Reason.ADDRESS_GONE),
        (Gone(permanent=True), Channel.SMS, Reason.ADDRESS_GONE),
        (Revoked(permanent=True), Channel.SLACK, Reason.NEEDS_REAUTH),
    ],
)
def test_what_is_gone_or_withdrawn_is_told_as_such(
    error: VendorError, channel: Channel, reason: Reason
) -> None:
    assert failed(error, channel) == Failed(reason, permanent=True)

"""Kind of error -> what Temporal makes of it. Complete by test, as is the table for HTTP."""

from datetime import timedelta
from enum import StrEnum
from typing import Final

from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from core import errors
from core.models.deliveries import Channel
from core.rules.retries import Reason
from core.services.deliveries import Failed


class Treatment(StrEnum):
    RETRY = "retry"  # as the policy of the call says
    THROTTLE = "throttle"  # after the wait that was asked for
    GIVE_UP = "give_up"  # a repetition changes nothing
    BENIGN = "benign"  # nothing is left to do, and nobody needs to look


A_MINUTE: Final = timedelta(minutes=1)  # an operator who mends a setting is noticed this soon

TABLE: Final[dict[type[errors.Error], Treatment]] = {
    errors.Error: Treatment.RETRY,
    errors.Rejected: Treatment.GIVE_UP,
    errors.Invalid: Treatment.GIVE_UP,
    errors.Unauthenticated: Treatment.GIVE_UP,
    errors.InsufficientUserAuthentication: Treatment.GIVE_UP,
    errors.Forbidden: Treatment.GIVE_UP,
    errors.ConsentRequired: Treatment.GIVE_UP,
    errors.NotFound: Treatment.BENIGN,  # removed meanwhile
    errors.Conflict: Treatment.GIVE_UP,
    errors.Stale: Treatment.RETRY,  # read again, it is another matter
    errors.KeyReused: Treatment.GIVE_UP,
    errors.KeyReplayed: Treatment.BENIGN,
    errors.RateLimited: Treatment.THROTTLE,
    errors.Unavailable: Treatment.RETRY,
    errors.Misconfigured: Treatment.THROTTLE,
    errors.KeysMissing: Treatment.THROTTLE,
    errors.VendorError: Treatment.RETRY,  # unless it is permanent or names a wait
    errors.Gone: Treatment.RETRY,  # as above, and it is always permanent
    errors.Revoked: Treatment.RETRY,  # as above, and it is always permanent
    errors.AlreadyThere: Treatment.RETRY,  # as above; these three a sync answers itself
    errors.Changed: Treatment.RETRY,
    errors.SyncTokenExpired: Treatment.RETRY,
}


def treatment(error: errors.Error) -> Treatment:
    if isinstance(error, errors.VendorError):
        if error.permanent:
            return Treatment.GIVE_UP
        return Treatment.RETRY if error.retry_after is None else Treatment.THROTTLE
    return TABLE[type(error)]


def translate(error: errors.Error) -> ApplicationError:
    """For Temporal: the kind of error only. Its sentence may speak of a person."""
    what = treatment(error)
    return ApplicationError(
        (type(error).__doc__ or "").strip(),
        type=type(error).__name__,
        non_retryable=what in (Treatment.GIVE_UP, Treatment.BENIGN),
        next_retry_delay=_wait(error) if what is Treatment.THROTTLE else None,
        category=ApplicationErrorCategory.BENIGN
        if what is Treatment.BENIGN
        else ApplicationErrorCategory.UNSPECIFIED,
    )


def failed(error: errors.VendorError, channel: Channel) -> Failed:
    """The same for the ledger of deliveries."""
    if isinstance(error, errors.Gone):
        browser = channel is Channel.PUSH
        reason = Reason.SUBSCRIPTION_ENDED if browser else Reason.ADDRESS_GONE
        return Failed(reason, permanent=True)
    if isinstance(error, errors.Revoked):
        return Failed(Reason.NEEDS_REAUTH, permanent=True)
    reason = {
        Treatment.GIVE_UP: Reason.VENDOR_REJECTED,
        Treatment.THROTTLE: Reason.VENDOR_THROTTLED,
    }.get(treatment(error), Reason.VENDOR_UNAVAILABLE)
    return Failed(
        reason, permanent=error.permanent, ambiguous=error.ambiguous, wait=error.retry_after
    )


def _wait(error: errors.Error) -> timedelta:
    if isinstance(error, errors.RateLimited):
        return error.retry_after
    if isinstance(error, errors.VendorError) and error.retry_after is not None:
        return error.retry_after
    return A_MINUTE

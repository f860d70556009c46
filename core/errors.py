"""Every error raised on purpose. The class is the kind, its docstring the default message.

    Error
    ├── Rejected            the caller can mend it
    │   ├── Invalid         a value breaks a rule; carries a JSON pointer
    │   ├── Unauthenticated
    │   │   └── InsufficientUserAuthentication  signed in, but too long ago for this
    │   ├── Forbidden
    │   │   └── ConsentRequired  only after the person has agreed to it
    │   ├── NotFound
    │   ├── Conflict
    │   ├── Stale           the version the caller saw is no longer current
    │   ├── KeyReused       an idempotency key came back with another body
    │   ├── KeyReplayed     an idempotency key came back: its answer is stored
    │   └── RateLimited     carries the wait
    ├── Unavailable         passing: the database or a server of ours does not answer
    ├── Misconfigured       an operator can mend it; the message is the remedy
    │   └── KeysMissing     what opens this is not on this machine, or nowhere any more
    └── VendorError         carries one bit, `permanent`, and the wait the vendor asked for
        ├── Gone            the address it was for exists no longer
        ├── Revoked         its token, or what it may do, was withdrawn
        ├── AlreadyThere    what was to be made exists: an earlier attempt had come through
        ├── Changed         it is not as it was when it was last read
        └── SyncTokenExpired  the vendor forgot what it told: all has to be read again

No HTTP numbers and no retry policy here: `api/errors.py` and `activities/errors.py` translate,
and a test asks that both know every class.
"""

from datetime import timedelta


class Error(Exception):
    """Something went wrong."""

    def __init__(self, detail: str | None = None) -> None:
        self.detail = detail or (type(self).__doc__ or "").strip()
        super().__init__(self.detail)


class Rejected(Error):
    """The request cannot be carried out."""


class Invalid(Rejected):
    """A value is not acceptable."""

    def __init__(
        self, detail: str | None = None, *, pointer: str = "", code: str = "invalid"
    ) -> None:
        super().__init__(detail)
        self.pointer = pointer
        self.code = code


class Unauthenticated(Rejected):
    """Sign in to continue."""


class InsufficientUserAuthentication(Unauthenticated):
    """Sign in once more: this needs a sign-in of the last minutes."""

    def __init__(self, detail: str | None = None, *, max_age: timedelta) -> None:
        super().__init__(detail)
        self.max_age = max_age


class Forbidden(Rejected):
    """Your role in this workspace does not allow that."""


class ConsentRequired(Forbidden):
    """This needs your consent."""


class NotFound(Rejected):
    """There is nothing here that you can see."""


class Conflict(Rejected):
    """The current state does not allow that."""


class Stale(Rejected):
    """This was changed since you read it."""


class KeyReused(Rejected):
    """This Idempotency-Key was used before with another request."""


class KeyReplayed(Rejected):
    """This request was answered before."""


class RateLimited(Rejected):
    """Too many requests."""

    def __init__(self, detail: str | None = None, *, limit: int, retry_after: timedelta) -> None:
        super().__init__(detail)
        self.limit = limit
        self.retry_after = retry_after


class Unavailable(Error):
    """A part of the service does not answer; try again shortly."""


class Misconfigured(Error):
    """The configuration does not allow that."""


class KeysMissing(Misconfigured):
    """The key that this was sealed with is not here."""


class VendorError(Error):
    """An outside service did not accept the call."""

    def __init__(
        self,
        detail: str | None = None,
        *,
        permanent: bool,
        ambiguous: bool = False,
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(detail)
        self.permanent = permanent
        self.ambiguous = ambiguous  # the vendor may have accepted it although no answer came
        self.retry_after = retry_after


class Gone(VendorError):
    """What this was for exists no longer on the other side."""


class Revoked(VendorError):
    """The access that was granted there is no longer valid."""


class AlreadyThere(VendorError):
    """This exists already on the other side."""


class Changed(VendorError):
    """This was changed on the other side since it was read."""


class SyncTokenExpired(VendorError):
    """The other side has forgotten what it told; everything has to be read again."""

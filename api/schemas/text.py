r"""Text as it may come in: bounded, storable, and never changed behind the sender's back.

`Annotated[str, line(200)]`. NUL and other control characters (C0, DEL, C1) are refused by a pattern
that the OpenAPI document shows; lone surrogates by pydantic itself, in every string.
"""

from pydantic import StringConstraints

_CONTROLS = r"\u0000-\u001f\u007f-\u009f"
_CONTROLS_BUT_BREAKS = r"\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f"


def line(max_length: int, *, blank: bool = True) -> StringConstraints:
    """One line. With `blank=False` it says something: a character that is not white space."""
    return _constraints(_CONTROLS, max_length, blank=blank)


def text(max_length: int, *, blank: bool = True) -> StringConstraints:
    """As `line`, but line breaks and tabs are allowed."""
    return _constraints(_CONTROLS_BUT_BREAKS, max_length, blank=blank)


def _constraints(refused: str, max_length: int, *, blank: bool) -> StringConstraints:
    allowed = f"[^{refused}]*"
    pattern = f"^{allowed}$" if blank else rf"^{allowed}[^\s{refused}]{allowed}$"
    return StringConstraints(min_length=0 if blank else 1, max_length=max_length, pattern=pattern)

"""What is wrong with the environment, one sentence for each variable; never with a secret in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import ValidationError
from pydantic_settings import SettingsError

from core.errors import Misconfigured

_PREFIX = "VOICETODO_"


def variable(name: str) -> str:
    """What somebody has to set: `VOICETODO_LANES` for `lanes`."""
    upper = name.upper()
    return upper if upper == "DATABASE_URL" else f"{_PREFIX}{upper.removeprefix(_PREFIX)}"


@contextmanager
def told_by_variable() -> Iterator[None]:
    """Raise `Misconfigured` instead of pydantic's errors, whose field names nobody has set."""
    try:
        yield
    except ValidationError as error:
        raise Misconfigured("\n".join(_sentence(each) for each in error.errors())) from error
    except SettingsError as error:
        # Its text is all that it has: `error parsing value for field "cors_origins" from source …`.
        name = str(error).partition('"')[2].partition('"')[0]
        raise Misconfigured(
            f'{variable(name)} is not a JSON list, which looks like this: ["one", "two"]'
        ) from error


def _sentence(error: Any) -> str:
    name = variable(str(error["loc"][0])) if error["loc"] else "the settings"
    said = str(error["msg"]).removeprefix("Input should be ").removeprefix("Value error, ")
    given = error["input"]
    # A secret is text as well, but never read as a number or as one of a few words.
    shown = error["type"].endswith(("_parsing", "_equal", "_than", "literal_error", "enum"))
    what = f" is {given!r}" if shown and isinstance(given, str) else ""
    return f"{name}{what}: it should be {said}" if what else f"{name}: {said}"

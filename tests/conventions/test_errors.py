"""Both tables of errors know every kind, and each status is told in one shape."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from activities.errors import TABLE, Treatment, translate
from api.errors import STATUS
from core import errors


def kinds(kind: type[errors.Error] = errors.Error) -> Iterator[type[errors.Error]]:
    yield kind
    for each in kind.__subclasses__():
        yield from kinds(each)


EVERY = sorted((k for k in kinds() if k.__module__ == "core.errors"), key=lambda k: k.__name__)


def test_there_are_kinds_to_look_at() -> None:
    assert errors.Invalid in EVERY
    assert len(EVERY) >= 14


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
def test_every_kind_has_a_status_and_a_treatment(kind: type[errors.Error]) -> None:
    assert kind in STATUS
    assert kind in TABLE
    assert (kind.__doc__ or "").strip(), "its default message"


def test_no_kind_is_raised_that_the_tree_does_not_draw() -> None:
    # The command line, on the other side of the wire, tells its own from the server's.
    ours = {kind for kind in kinds() if kind.__module__.split(".")[0] != "api"}
    assert ours == set(EVERY), "errors are declared in core/errors.py alone"
    assert set(STATUS) == set(TABLE) == set(EVERY)
    drawn = errors.__doc__ or ""
    assert all(kind.__name__ in drawn for kind in EVERY)


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
def test_statuses_and_treatments_agree(kind: type[errors.Error]) -> None:
    status, title = STATUS[kind]
    assert title
    if issubclass(kind, errors.Rejected):
        assert 400 <= status < 500
    else:
        assert status >= 500
        assert TABLE[kind] in {Treatment.RETRY, Treatment.THROTTLE}


def test_what_goes_to_temporal_says_nothing_of_people() -> None:
    for error in (
        errors.Invalid("alice@example.com"),
        errors.NotFound("alice@example.com"),
        errors.RateLimited("alice@example.com", limit=1, retry_after=timedelta(seconds=5)),
        errors.VendorError("alice@example.com", permanent=True),
    ):
        assert "alice" not in str(translate(error))

"""Histories stand for days and are read by operators: they hold ids, never contents."""

import dataclasses
import types
import typing
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any, Union
from uuid import UUID

import pytest
from temporalio import activity, workflow

from activities.calendars import Calendars
from activities.channels import Channels
from activities.retention import Retention
from core.crypto import Keyring
from core.db import Database
from core.messages import Kind, TickMessage
from core.settings import Settings
from integrations import calendars
from tests.connecting import unconnected
from tests.memos import deaf
from tests.slacking import idle
from workflows import registry
from workflows.dispatch import ROUTES

PLAIN = (UUID, int, bool, datetime, types.NoneType)


def refused(kind: Any) -> list[str]:
    """What of this type could carry what a person wrote."""
    if kind in PLAIN or (isinstance(kind, type) and issubclass(kind, StrEnum)):
        return []
    if typing.get_origin(kind) in (Union, types.UnionType):
        return [name for part in typing.get_args(kind) for name in refused(part)]
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        if not getattr(kind, "__dataclass_params__").frozen:  # noqa: B009 (typeshed hides it)
            return [f"{kind.__name__} is not frozen"]
        hints = typing.get_type_hints(kind)
        return [f"{kind.__name__}.{name}" for name, hint in hints.items() if refused(hint)]
    return [str(kind)]


def signature(function: Callable[..., Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(function)
    assert "return" in hints, f"{function} does not say what it answers"
    return hints


def activities() -> list[Callable[..., Any]]:
    closed = Database("postgresql:///", role="vt_app", size=1)
    ending = unconnected(closed)
    channels = Channels({})
    google = calendars.google(Settings(_env_file=None))
    assert google is not None
    keeping = Calendars(closed, Keyring((b"c" * 32,)), google, address=None)
    return [
        *registry.activities(
            closed,
            closed,
            channels,
            deaf(),
            dev=True,
            lanes=1,
            ending=ending,
            slack_app=idle(closed),
            retaining=Retention(closed),
        ),
        keeping.sync_slice,
    ]


def workflow_runs() -> list[Callable[..., Any]]:
    found: list[Callable[..., Any]] = []
    for kind in registry.WORKFLOWS:
        definition = workflow._Definition.must_from_class(kind)  # noqa: SLF001 - there is no other
        found.append(definition.run_fn)
        found += [signal.fn for signal in definition.signals.values()]
        found += [update.fn for update in definition.updates.values()]
    return found


@pytest.mark.parametrize(
    "function", [*workflow_runs(), *activities()], ids=lambda function: function.__qualname__
)
def test_arguments_and_results_are_ids(function: Callable[..., Any]) -> None:
    assert [name for hint in signature(function).values() for name in refused(hint)] == []


@pytest.mark.parametrize("function", activities(), ids=lambda function: function.__qualname__)
def test_an_activity_says_what_makes_running_it_twice_harmless(
    function: Callable[..., Any],
) -> None:
    assert "twice" in (function.__doc__ or "").lower()
    assert activity._Definition.must_from_callable(function).name  # noqa: SLF001 - there is no other


def test_the_walk_finds_what_it_looks_for() -> None:
    @dataclasses.dataclass(frozen=True)
    class Leak:
        at: datetime
        title: str | None

    class Open:
        pass

    leaks: list[Any] = [str, list[UUID], dict[str, int], Any, bytes, UUID | str, Leak, Open]
    assert [kind for kind in leaks if not refused(kind)] == []
    harmless: list[Any] = [UUID, int | None, Kind, TickMessage]
    assert [kind for kind in harmless if refused(kind)] == []


def test_each_route_of_the_outbox_leads_to_a_registered_workflow() -> None:
    definitions = map(workflow._Definition.must_from_class, registry.WORKFLOWS)  # noqa: SLF001 - there is no other
    runs = {each.name: each.run_fn for each in definitions}
    for name, route in ROUTES.items():
        assert name in runs
        hints = typing.get_type_hints(runs[name])
        hints.pop("return")
        assert list(hints.values()) == [route.message]

"""The `webhooks` section: complete, and its examples are of the shapes that it promises."""

from typing import Any

import jsonschema_rs
import pytest
from fastapi import FastAPI

from api import webhook_samples
from api.webhook_document import SCHEMAS
from core.rules.event_types import EVENT_TYPES
from core.services.webhook_deliveries import TEST
from core.services.webhook_payloads import FullData, Message

EVERY = sorted([*EVENT_TYPES, TEST])


def schema(app: FastAPI, kind: str) -> dict[str, Any]:
    """What the document says of the message, with all that it refers to."""
    document = app.openapi()
    content = document["webhooks"][kind]["post"]["requestBody"]["content"]["application/json"]
    return {**content["schema"], "components": document["components"]}


def examples(app: FastAPI, kind: str) -> dict[str, Any]:
    told = app.openapi()["webhooks"][kind]["post"]["requestBody"]["content"]["application/json"]
    return {name: example["value"] for name, example in told["examples"].items()}


def test_every_type_is_described(app: FastAPI) -> None:
    assert sorted(app.openapi()["webhooks"]) == EVERY


@pytest.mark.parametrize("kind", EVERY)
def test_the_examples_are_valid(app: FastAPI, kind: str) -> None:
    shown = examples(app, kind)
    assert set(shown) == ({"thin"} if kind == TEST else {"thin", "full"})
    for example in shown.values():
        jsonschema_rs.validate(schema(app, kind), example, validate_formats=True)
        assert set(example) == set(Message.__dataclass_fields__)
        assert example["type"] == kind
    if kind != TEST:
        assert set(shown["full"]["data"]) == set(FullData.__dataclass_fields__)
        assert set(shown["thin"]["data"]) == {"id"}


@pytest.mark.parametrize("kind", EVERY)
def test_another_shape_is_not(app: FastAPI, kind: str) -> None:
    for example in examples(app, kind).values():
        for wrong in (
            example | {"type": "todo.eaten"},
            example | {"seq": "1"},
            example | {"data": {}},
            example | {"data": {**example["data"], "object": {"id": "x"}}},
            {name: value for name, value in example.items() if name != "timestamp"},
        ):
            assert not jsonschema_rs.is_valid(schema(app, kind), wrong)


def test_the_sample_resources_leave_nothing_out(app: FastAPI) -> None:
    components = app.openapi()["components"]["schemas"]
    assert set(SCHEMAS) == set(webhook_samples.RESOURCES)
    for noun, name in SCHEMAS.items():
        assert set(webhook_samples.RESOURCES[noun]) == set(components[name]["properties"]), noun


def test_their_names_are_of_none_else(app: FastAPI) -> None:
    document = app.openapi()
    named = [
        operation["operationId"]
        for part in ("paths", "webhooks")
        for item in document[part].values()
        for operation in item.values()
    ]
    assert len(named) == len(set(named))

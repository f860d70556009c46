"""No list of the API goes without its plan being looked at."""

from pathlib import Path

import orjson

from bench.plans.__main__ import CASES

DOCUMENT = Path(__file__).parents[2] / "openapi.json"


def test_every_list_is_asked_for() -> None:
    paths = orjson.loads(DOCUMENT.read_bytes())["paths"]
    lists = {
        path.removeprefix("/api/v1")
        for path, operations in paths.items()
        for method, operation in operations.items()
        if method == "get"
        and any(each.get("name") == "limit" for each in operation.get("parameters", ()))
    }
    assert len(lists) > 12
    assert lists - {case.route for case in CASES} == set()
    assert len({case.name for case in CASES}) == len(CASES)

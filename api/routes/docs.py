"""The API on one page, from its own document; no script and nothing from elsewhere.

FastAPI's page loads Swagger UI from a content network, which a closed machine does not reach and
our Content-Security-Policy would refuse.
"""

from functools import lru_cache
from typing import Any

import orjson
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader

router = APIRouter(include_in_schema=False)

_TEMPLATES = Environment(loader=PackageLoader("api", "templates"), autoescape=True)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    return HTMLResponse(_page(request.app), headers={"Content-Security-Policy": _POLICY})


@lru_cache(maxsize=1)
def _page(app: FastAPI) -> str:
    document = app.openapi()
    schemas = document["components"]["schemas"]
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, operations in document["paths"].items():
        for method, each in operations.items():
            tag = each.get("tags", ["other"])[0]
            groups.setdefault(tag, []).append(_described(path, method, each, schemas))
    messages = [_message(kind, item["post"]) for kind, item in document["webhooks"].items()]
    page = _TEMPLATES.get_template("docs.html")
    return page.render(
        info=document["info"], groups=groups, messages=messages, document=app.openapi_url
    )


def _message(kind: str, each: dict[str, Any]) -> dict[str, Any]:
    examples = each["requestBody"]["content"]["application/json"]["examples"]
    shown = {name: _pretty(example["value"]) for name, example in examples.items()}
    return {"id": each["operationId"], "type": kind, "what": each["summary"], "examples": shown}


def _pretty(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def _described(
    path: str, method: str, each: dict[str, Any], schemas: dict[str, Any]
) -> dict[str, Any]:
    content = each.get("requestBody", {}).get("content", {})
    first: dict[str, Any] = next(iter(content.values()), {})
    body: dict[str, Any] = first.get("schema", {})
    body = schemas.get(body.get("$ref", "").rpartition("/")[2], body)
    return {
        "id": each.get("operationId", ""),
        "method": method,
        "path": path,
        "summary": each.get("summary", ""),
        "description": each.get("description", ""),
        "parameters": [
            {**p, "type": _type(p.get("schema", {}))} for p in each.get("parameters", [])
        ],
        "body": [
            {
                "name": name,
                "type": _type(field),
                "required": name in body.get("required", []),
                "description": field.get("description", ""),
            }
            for name, field in body.get("properties", {}).items()
        ],
        "statuses": sorted(each["responses"]),
        "curl": _curl(path, method, each, body),
    }


def _type(schema: dict[str, Any]) -> str:
    """A schema in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(each) for each in schema["anyOf"]))
    if "enum" in schema:
        return " · ".join(map(str, schema["enum"]))
    if "const" in schema:
        return str(schema["const"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    limits = [f"≤ {schema[name]}" for name in ("maxLength", "maximum") if name in schema]
    return " ".join([str(schema.get("format") or schema.get("type", "any")), *limits])


def _curl(path: str, method: str, each: dict[str, Any], body: dict[str, Any]) -> str:
    lines = [f"curl -X {method.upper()} http://localhost:8000{path}"]
    if each.get("security"):
        lines.append("-H 'Authorization: Bearer <access token>'")
    if body:
        example = next(iter(body.get("examples", [])), None)
        if example is None:
            example = dict.fromkeys(body.get("required", []), "…")
        lines.append("-H 'Content-Type: application/json'")
        lines.append(f"-d '{orjson.dumps(example).decode()}'")
    return " \\\n  ".join(lines)

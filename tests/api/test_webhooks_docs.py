"""docs/webhooks.md: what it shows works, word for word, and it leaves no event out."""

import json
import re
import shutil
import subprocess
import time
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from standardwebhooks import Webhook, WebhookVerificationError

from core.rules.event_types import EVENT_TYPES
from core.services.webhook_deliveries import TEST
from integrations.standard_webhooks import Signer

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "webhooks.md").read_text()
SEED = b"k" * 32
PUBLIC = (
    "whpk_"
    + b64encode(Ed25519PrivateKey.from_private_bytes(SEED).public_key().public_bytes_raw()).decode()
)
KEY = b"s" * 32
SECRET = "whsec_" + b64encode(KEY).decode()
BODY = '{"type":"todo.created","data":{"title":"K\u00e4se"}}'


def snippets(language: str, text: str = TEXT) -> list[str]:
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    return found


def signed(body: str = BODY, at: float | None = None) -> dict[str, str]:
    """Headers of a delivery, with the signature of another live secret before ours."""
    now = datetime.fromtimestamp(time.time() if at is None else at, UTC)
    return Signer((b"o" * 32, KEY), SEED).headers("msg_1", body.encode(), now=now)


def python(nth: int, name: str) -> Callable[..., Any]:
    scope: dict[str, Any] = {}
    exec(snippets("python")[nth], scope)  # noqa: S102 - our own page
    found: Callable[..., Any] = scope[name]
    return found


def test_14_the_python_that_is_shown_verifies() -> None:
    verify = python(0, "verify")
    assert verify(SECRET, signed(), BODY.encode()) == json.loads(BODY)
    for headers, body in forged():
        with pytest.raises(WebhookVerificationError):
            verify(SECRET, headers, body.encode())


def test_14_the_python_for_public_keys_verifies() -> None:
    verify = python(1, "verify_v1a")
    verify(PUBLIC, signed(), BODY.encode())
    for headers, body in ((signed(BODY + " "), BODY), (signed(), BODY + " ")):
        with pytest.raises(InvalidSignature):
            verify(PUBLIC, headers, body.encode())


def forged() -> list[tuple[dict[str, str], str]]:
    now = datetime.now(UTC)
    other = Webhook("whsec_" + b64encode(b"x" * 32).decode()).sign("msg_1", now, BODY)
    return [
        (signed(), BODY + " "),
        (signed(at=time.time() - 400), BODY),
        (signed(at=time.time() + 400), BODY),
        (signed() | {"webhook-signature": other}, BODY),
        (signed() | {"webhook-id": "msg_2"}, BODY),
        (signed() | {"webhook-timestamp": "x"}, BODY),
        ({name: value for name, value in signed().items() if name != "webhook-signature"}, BODY),
    ]


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed here")
def test_14_the_node_that_is_shown_verifies(tmp_path: Path) -> None:
    [shown] = snippets("js")
    (tmp_path / "verify.mjs").write_text(shown)
    runs = [(signed(), BODY), *forged()]
    (tmp_path / "runs.json").write_text(json.dumps(runs))
    (tmp_path / "try.mjs").write_text(
        """
        import { readFileSync } from "node:fs";
        import { verify } from "./verify.mjs";
        for (const [headers, body] of JSON.parse(readFileSync("runs.json", "utf8"))) {
          try { console.log(JSON.stringify(verify(process.argv[2], headers, body))); }
          catch (error) { console.log(error.message); }
        }
        """
    )
    told = subprocess.run(
        ["node", "try.mjs", SECRET], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert json.loads(told[0]) == json.loads(BODY)
    late = "too old, or no timestamp"
    assert told[1:] == ["not ours", late, late, "not ours", "not ours", late, "not ours"]


def test_the_table_has_every_event() -> None:
    table = TEXT[TEXT.index("## Events") :]
    rows = re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \| (.*) \|$", table, re.MULTILINE)
    assert dict(rows).keys() == EVENT_TYPES.keys() | {TEST}
    assert {kind: what for kind, what in rows if kind != TEST} == EVENT_TYPES

"""Temporal payloads as we seal them: opened by the codec of the worker and by `/codec/decode`.

The sealed content is JSON, `{"metadata": {name: base64}, "data": base64}`, so that whoever opens
it needs no Temporal library.
"""

import base64
import hashlib
from collections.abc import Mapping

import orjson

from core import crypto
from core.errors import Invalid

ENCODING = "encoding"
KEY_ID = "encryption-key-id"
SEALED = b"binary/encrypted"
_AAD = b"temporal payload"

Metadata = dict[str, bytes]


def key_of(encryption: bytes) -> bytes:
    """The payload key of an installation, from `Keys.encryption`."""
    return crypto.derive(encryption, "temporal payloads")


def key_id(key: bytes) -> bytes:
    """Names the key without giving it away, so that a wrong key is told from damaged bytes."""
    return hashlib.sha256(b"id of " + key).hexdigest()[:12].encode()


def is_sealed(metadata: Mapping[str, bytes]) -> bool:
    return metadata.get(ENCODING) == SEALED


def seal_payload(key: bytes, metadata: Mapping[str, bytes], data: bytes) -> tuple[Metadata, bytes]:
    """Metadata and data of the payload that stands for this one."""
    content = {
        "metadata": {name: base64.b64encode(value).decode() for name, value in metadata.items()},
        "data": base64.b64encode(data).decode(),
    }
    sealed = crypto.seal(key, orjson.dumps(content), aad=_AAD)
    return {ENCODING: SEALED, KEY_ID: key_id(key)}, sealed


def open_payload(key: bytes, metadata: Mapping[str, bytes], data: bytes) -> tuple[Metadata, bytes]:
    """What was sealed; a payload that is not sealed comes back as it is.

    Raises `Invalid` for another installation's key or damaged bytes.
    """
    if not is_sealed(metadata):
        return dict(metadata), data
    if metadata.get(KEY_ID) != key_id(key):
        raise Invalid("this payload was sealed with another key")
    content = orjson.loads(crypto.unseal(key, data, aad=_AAD))
    inner = {name: base64.b64decode(value) for name, value in content["metadata"].items()}
    return inner, base64.b64decode(content["data"])

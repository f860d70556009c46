"""How values travel to Temporal: pydantic's JSON, sealed; failures' messages and stacks too."""

import dataclasses
from collections.abc import Sequence

from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import (
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    PayloadCodec,
)

from core import payloads


class SealingCodec(PayloadCodec):
    """AES-256-GCM per payload. Decoding leaves payloads alone that were never sealed."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    async def encode(self, payloads_: Sequence[Payload]) -> list[Payload]:
        return [
            _payload(payloads.seal_payload(self._key, payload.metadata, payload.data))
            for payload in payloads_
        ]

    async def decode(self, payloads_: Sequence[Payload]) -> list[Payload]:
        """Raises `Invalid` for another installation's key: the workflow task is then retried."""
        return [
            _payload(payloads.open_payload(self._key, payload.metadata, payload.data))
            for payload in payloads_
        ]


def data_converter(encryption: bytes) -> DataConverter:
    """For `Client.connect` only: workers take theirs from the client."""
    return dataclasses.replace(
        pydantic_data_converter,
        payload_codec=SealingCodec(payloads.key_of(encryption)),
        # Without this a failure's message and stack stand in the history for everyone to read.
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )


def _payload(content: tuple[payloads.Metadata, bytes]) -> Payload:
    metadata, data = content
    return Payload(metadata=metadata, data=data)

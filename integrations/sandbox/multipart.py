"""multipart/form-data (RFC 7578) as clients send it: whole, in memory, well formed or nothing."""

import re
from dataclasses import dataclass
from typing import Final

from integrations.sandbox.wire import Call

BOUNDARY: Final = re.compile(r'multipart/form-data;.*boundary="?([^";,]{1,70})"?', re.IGNORECASE)
NAME: Final = re.compile(rb'content-disposition: *form-data;.*?\bname="([^"]*)"', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "replace")


def parts(call: Call) -> dict[str, list[Part]]:
    """By name, in their order."""
    found: dict[str, list[Part]] = {}
    boundary = BOUNDARY.search(call.header(b"content-type"))
    if boundary is None:
        return found
    for each in call.body.split(b"--" + boundary[1].encode())[1:-1]:
        head, _, content = each.partition(b"\r\n\r\n")
        if name := NAME.search(head):
            key = name[1].decode("utf-8", "replace")
            found.setdefault(key, []).append(Part(content.removesuffix(b"\r\n")))
    return found

"""What every peer sends: the mail that ours is, with an id of its own. Imports nothing of ours."""

import os
from collections.abc import Iterator

URL = os.environ["VENDOR_URL"]
HEADERS = {"authorization": "Bearer sandbox", "content-type": "application/json"}
_TEMPLATE = os.environ["MAIL"]
ID = "00000000-0000-0000-0000-{:012d}"


def mail(key: str) -> bytes:
    return _TEMPLATE.replace(ID.format(0), key).encode()


def keys(count: int) -> Iterator[str]:
    """Ids by number, so that whoever judges knows them too."""
    return (ID.format(nth) for nth in range(1, count + 1))

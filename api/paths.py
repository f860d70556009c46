"""Where the API begins: its first version."""

from typing import Final

V1: Final = "/api/v1"

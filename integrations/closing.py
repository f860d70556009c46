"""`async with` for clients that are closed."""

from abc import ABC, abstractmethod
from typing import Self


class Closing(ABC):
    """To be derived from: the end of the block closes it."""

    @abstractmethod
    async def aclose(self) -> None:
        """Twice is harmless."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

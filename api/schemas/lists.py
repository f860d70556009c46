"""What may come in about lists."""

from typing import Annotated, Any

from pydantic import Field

from api.schemas.dues import Body
from api.schemas.text import line

MAX_POSITION = 1e15
Name = Annotated[str, line(100, blank=False)]
Position = Annotated[
    float, Field(strict=True, ge=-MAX_POSITION, le=MAX_POSITION, allow_inf_nan=False)
]


class ListBody(Body):
    name: Name


class ListPatch(Body):
    name: Name = ""
    position: Position = 0.0

    def changes(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.model_fields_set}

"""What may come in about tags."""

from typing import Annotated

from api.schemas.dues import Body
from api.schemas.text import line

TagName = Annotated[str, line(50, blank=False)]


class TagPatch(Body):
    name: TagName

"""What may come in about undoing."""

from uuid import UUID

from api.schemas.dues import Body


class UndoBody(Body):
    change_set: UUID

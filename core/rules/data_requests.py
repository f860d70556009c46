"""What people may ask of whoever keeps their data: Chapter III of the GDPR."""

from enum import StrEnum


class RequestKind(StrEnum):
    """What one may ask of whoever keeps one's data: Art. 15 and 20, 17, 16, 21."""

    ACCESS = "access"
    ERASURE = "erasure"
    RECTIFICATION = "rectification"
    OBJECTION = "objection"


class RequestOutcome(StrEnum):
    DONE = "done"
    REFUSED = "refused"  # Art. 12(5), or a duty to keep it
    WITHDRAWN = "withdrawn"

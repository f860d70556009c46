"""Titles as people write them, all of them different."""

from itertools import islice, product

ACTS = ("Call", "Email", "Meet", "Remind", "Ask", "Pay", "Thank", "Visit", "Help", "Invite")
WHOM = ("Anna", "Boris", "Chen", "Dana", "Emil", "Fatima", "Goran", "Hana", "Ivo", "Julia")
WHAT = ("boiler", "contract", "garden", "invoice", "car", "holiday", "school", "roof", "party",
        "taxes")  # fmt: skip


def titles(count: int) -> list[str]:
    """At most a thousand."""
    every = (f"{act} {whom} about the {what}" for act, whom, what in product(ACTS, WHOM, WHAT))
    return list(islice(every, count))

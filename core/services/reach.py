"""Whom a message reaches by which channel, and why not."""

from collections.abc import Collection

from core.models.connections import ConnectionStatus
from core.models.deliveries import Channel
from core.rules.retries import Reason
from core.services.deliveries import VENDORS, Person


def obstacle(person: Person) -> Reason | None:
    """Why this person gets nothing at all."""
    if not person.active:
        return Reason.ACCOUNT_CLOSED
    return None if person.member else Reason.NO_LONGER_MEMBER


def unreachable(
    channel: Channel,
    person: Person,
    *,
    dev: bool,
    vendors: Collection[Channel] = VENDORS,
    verifies: bool = False,
) -> Reason | None:
    """Why this channel does not reach this person now. Unverified addresses only count as dev.

    `vendors`: the channels that somebody carries messages for. `verifies`: the message is the one
    that goes to an address nobody vouches for.
    """
    if channel is not Channel.IN_APP and channel not in vendors:
        return Reason.CHANNEL_UNAVAILABLE
    if channel is Channel.EMAIL:
        return _unreachable_by_email(person, dev=dev, verifies=verifies)
    if channel is Channel.SLACK and person.slack != ConnectionStatus.ACTIVE:
        return Reason.NEEDS_REAUTH if person.slack else Reason.NOT_CONNECTED
    if channel is Channel.SMS:
        return _unreachable_by_phone(person, anyway=dev or verifies)
    return None


def _unreachable_by_phone(person: Person, *, anyway: bool) -> Reason | None:
    if person.phone is None:
        return Reason.NO_PHONE
    return None if anyway or person.phone_verified else Reason.PHONE_UNVERIFIED


def _unreachable_by_email(person: Person, *, dev: bool, verifies: bool) -> Reason | None:
    if person.email is None:
        return Reason.NO_ADDRESS
    if verifies:
        return None
    if person.suppressed:
        return Reason.ADDRESS_SUPPRESSED
    return None if person.email_verified or dev else Reason.ADDRESS_UNVERIFIED

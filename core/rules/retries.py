"""One message to one person through one channel: its name, why it failed, when it goes again."""

from datetime import timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Final
from uuid import UUID, uuid5

from core.rules.reminders import ABANDONED_AFTER

USEFUL_FOR: Final = ABANDONED_AFTER  # after it was due; later it is `missed`
# So long an e-mail in doubt waits for the mail service's word before it is sent again. SendGrid
# posts what it took within seconds; the sandbox takes 0.2 s. Longer is later, shorter is twice.
EVENT_WITHIN: Final = timedelta(seconds=30)
LATE_AFTER: Final = timedelta(minutes=2)  # from then on the message says when it was due

_FIRST_WAITS: Final = (5, 15, 45)  # seconds
_LONGEST_WAIT: Final = 900
_JITTER: Final = 0.1


class Reason(StrEnum):
    """Why a delivery did not go out, or not yet. Stored and shown in Temporal: no users' text."""

    VENDOR_UNAVAILABLE = "vendor_unavailable"
    VENDOR_THROTTLED = "vendor_throttled"
    VENDOR_RESTING = "vendor_resting"
    VENDOR_REJECTED = "vendor_rejected"
    NO_ADDRESS = "no_address"
    ADDRESS_UNVERIFIED = "address_unverified"
    CHANNEL_UNAVAILABLE = "channel_unavailable"
    NO_SUBSCRIPTION = "no_subscription"
    SUBSCRIPTION_ENDED = "subscription_ended"
    NOT_CONNECTED = "not_connected"
    NEEDS_REAUTH = "needs_reauth"
    NO_PHONE = "no_phone"
    PHONE_UNVERIFIED = "phone_unverified"
    ADDRESS_GONE = "address_gone"
    REMINDER_CHANGED = "reminder_changed"
    TODO_COMPLETED = "todo_completed"
    TODO_DELETED = "todo_deleted"
    ACCOUNT_CLOSED = "account_closed"
    NO_LONGER_MEMBER = "no_longer_member"
    ALREADY_VERIFIED = "already_verified"
    DIGEST_OFF = "digest_off"
    NOTHING_LEFT = "nothing_left"
    LIST_MUTED = "list_muted"
    PAUSED = "paused"
    READ = "read"
    SNOOZED = "snoozed"
    TOO_LATE = "too_late"
    LEASE_RAN_SHORT = "lease_ran_short"
    UNDELIVERABLE = "undeliverable"
    BOUNCED = "bounced"
    DROPPED = "dropped"
    TURNED_AWAY = "turned_away"
    ADDRESS_SUPPRESSED = "address_suppressed"
    UNSUBSCRIBED = "unsubscribed"


IN_WORDS: Final = {
    Reason.VENDOR_UNAVAILABLE: "{carrier} did not answer",
    Reason.VENDOR_THROTTLED: "{carrier} asked us to wait",
    Reason.VENDOR_RESTING: "{carrier} has not been answering, so it was not asked again yet",
    Reason.VENDOR_REJECTED: "{carrier} refused the message",
    Reason.NO_ADDRESS: "the account has no e-mail address",
    Reason.ADDRESS_UNVERIFIED: "the e-mail address is not verified yet",
    Reason.CHANNEL_UNAVAILABLE: "this channel is not set up",
    Reason.NO_SUBSCRIPTION: "no browser or phone is set up for push messages",
    Reason.SUBSCRIPTION_ENDED: "the browser takes no more push messages",
    Reason.NOT_CONNECTED: "{carrier} is not connected",
    Reason.NEEDS_REAUTH: "{carrier} has to be connected again",
    Reason.NO_PHONE: "the account has no phone number",
    Reason.PHONE_UNVERIFIED: "the phone number is not verified yet",
    Reason.ADDRESS_GONE: "{carrier} no longer takes messages for this address",
    Reason.REMINDER_CHANGED: "the reminder was changed or removed meanwhile",
    Reason.TODO_COMPLETED: "the todo was completed meanwhile",
    Reason.TODO_DELETED: "the todo was deleted meanwhile",
    Reason.ACCOUNT_CLOSED: "the account is closed",
    Reason.NO_LONGER_MEMBER: "the person is no longer in this workspace",
    Reason.ALREADY_VERIFIED: "the address was verified meanwhile",
    Reason.DIGEST_OFF: "this digest is no longer wanted",
    Reason.NOTHING_LEFT: "there was nothing left to tell",
    Reason.LIST_MUTED: "its list is muted",
    Reason.PAUSED: "notifications are paused",
    Reason.READ: "it was read in the app meanwhile",
    Reason.SNOOZED: "the reminder was snoozed meanwhile",
    Reason.TOO_LATE: "it could not be delivered within a day",
    Reason.LEASE_RAN_SHORT: "the worker had no time left to send it safely",
    Reason.UNDELIVERABLE: "the message could not be made; this is our fault",
    Reason.BOUNCED: "it came back: there is no such mailbox",
    Reason.DROPPED: "{carrier} keeps mail from this address",
    Reason.TURNED_AWAY: "the other side turned this e-mail away",
    Reason.ADDRESS_SUPPRESSED: "the address takes no mail of ours until it is verified again",
    Reason.UNSUBSCRIBED: "the person turned off e-mails of this kind",
}
_CARRIERS: Final = {
    "email": "the mail service",
    "push": "the browser's push service",
    "slack": "Slack",
    "sms": "the phone service",
}


def in_words(reason: Reason, channel: str) -> str:
    """The end of a sentence."""
    return IN_WORDS[reason].format(carrier=_CARRIERS.get(channel, "the service"))


def delivery_id(
    reminder_id: UUID, arm_no: int, recipient_id: UUID, channel: str, target: str = ""
) -> UUID:
    """The same for every attempt of the same message, whoever makes it.

    `target` tells several of a channel apart (push subscriptions). A person has one address, so
    it is empty for e-mail: a changed address must not make a second message of the same one.
    """
    return uuid5(reminder_id, f"{arm_no}|{recipient_id}|{channel}|{target}")


def wait(delivery: UUID, failures: int, asked: timedelta | None = None) -> timedelta:
    """How long to wait after the vendor failed so often (from 1): 5, 15, 45 s, doubling to 15 min.

    `asked` is the vendor's own wish, kept when it is longer. Up to a tenth comes on top, always
    the same for one failure, so that what failed together does not return together.
    """
    nth = failures - 1
    if nth < len(_FIRST_WAITS):
        seconds = _FIRST_WAITS[max(nth, 0)]
    else:
        doublings = min(nth - len(_FIRST_WAITS) + 1, 10)
        seconds = min(_FIRST_WAITS[-1] * 2**doublings, _LONGEST_WAIT)
    share = sha256(delivery.bytes + failures.to_bytes(4)).digest()[0] / 255
    jitter = timedelta(seconds=seconds * _JITTER * share)
    return max(timedelta(seconds=seconds), asked or timedelta(0)) + jitter

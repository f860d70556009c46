"""What is said in Slack to what people do there, in the languages of our other messages."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from core.services.slack_replies import Deed, Notice


@dataclass(frozen=True, slots=True)
class Words:
    deeds: Mapping[Deed, str]
    notices: Mapping[Notice, str]
    due: str
    next_due: str
    reminded: str
    recurs: str
    again: str
    listed: Mapping[bool, str]  # whether words asked for them
    none_listed: Mapping[bool, str]
    more: str
    yes: str
    no: str
    none_of_these: str
    undo: str
    complete: str
    connect: str


_ENGLISH: Final = Words(
    deeds={
        Deed.ADDED: "Added",
        Deed.COMPLETED: "Completed",
        Deed.REOPENED: "Open again",
        Deed.CHANGED: "Changed",
        Deed.DELETED: "Deleted",
        Deed.SNOOZED: "Snoozed",
    },
    notices={
        Notice.UNDONE: "Taken back.",
        Notice.ALL_DONE: "Done, with all of them.",
        Notice.NOTHING_TO_UNDO: "There is nothing of the last day to take back.",
        Notice.DECLINED: "Left as it is.",
        Notice.NOT_UNDERSTOOD: "I did not understand that. /todo add … makes a todo of any words,"
        " and /todo help says what else I can do.",
        Notice.NO_TIME: "No time was said, so there is no reminder:"
        " /todo remind me to call Ann tomorrow at 9",
        Notice.HELP: "/todo buy milk tomorrow at 5pm\n"
        "/todo add anything, also “cancel the gym”\n"
        "/todo list, /todo list today, /todo list groceries\n"
        "/todo done milk\n"
        "/todo remind me to call Ann on Friday at 9\n"
        "/todo move the report to Monday\n"
        "/todo undo takes back what you did last in Slack\n"
        "In the menu of any message: Make a todo",
        Notice.LINK: "I do not know yet who you are in Voice Todo. Connect your account first;"
        " the button works for ten minutes, and for you alone.",
        Notice.CONNECTED: "You are connected as {detail}.",
        Notice.CLOSED: "Your account with Voice Todo is closed.",
        Notice.REFUSED: "That did not work: {detail}.",
        Notice.FAILED: "Something went wrong, which is our fault. Nothing was changed.",
    },
    due="Due {when}",
    next_due="The next one is due {when}",
    reminded="You will be reminded {when}",
    recurs="repeats",
    again="You will be reminded again {when}",
    listed={False: "Your open todos", True: "Your todos: {words}"},
    none_listed={False: "Nothing is open.", True: "Nothing found: {words}"},
    more="and {n} more",
    yes="Yes",
    no="No",
    none_of_these="None of these",
    undo="Undo",
    complete="Complete",
    connect="Connect Voice Todo",
)
_GERMAN: Final = Words(
    deeds={
        Deed.ADDED: "Hinzugefügt",
        Deed.COMPLETED: "Erledigt",
        Deed.REOPENED: "Wieder offen",
        Deed.CHANGED: "Geändert",
        Deed.DELETED: "Gelöscht",
        Deed.SNOOZED: "Später",
    },
    notices={
        Notice.UNDONE: "Zurückgenommen.",
        Notice.ALL_DONE: "Gemacht, mit allen.",
        Notice.NOTHING_TO_UNDO: "Es gibt nichts vom letzten Tag zurückzunehmen.",
        Notice.DECLINED: "Es bleibt, wie es ist.",
        Notice.NOT_UNDERSTOOD: "Das habe ich nicht verstanden. /todo add … macht aus allem eine"
        " Aufgabe, und /todo help sagt, was ich sonst kann.",
        Notice.NO_TIME: "Es wurde keine Zeit genannt, also gibt es keine Erinnerung:"
        " /todo remind Anna anrufen morgen um 9 Uhr",
        Notice.HELP: "/todo Milch kaufen morgen um 17 Uhr\n"
        "/todo add irgendetwas, auch „Studio kündigen“\n"
        "/todo list, /todo list heute, /todo list Einkauf\n"
        "/todo done Milch\n"
        "/todo remind Anna anrufen am Freitag um 9 Uhr\n"
        "/todo verschiebe den Bericht auf Montag\n"
        "/todo undo nimmt zurück, was Sie zuletzt in Slack getan haben\n"
        "Im Menü jeder Nachricht: Make a todo",
        Notice.LINK: "Ich weiß noch nicht, wer Sie bei Voice Todo sind. Verbinden Sie zuerst Ihr"
        " Konto; der Knopf gilt zehn Minuten, und nur für Sie.",
        Notice.CONNECTED: "Sie sind verbunden als {detail}.",
        Notice.CLOSED: "Ihr Konto bei Voice Todo ist geschlossen.",
        Notice.REFUSED: "Das ging nicht: {detail}.",
        Notice.FAILED: "Da ist etwas schiefgegangen, und das liegt an uns. Nichts wurde geändert.",
    },
    due="Fällig {when}",
    next_due="Das nächste Mal ist fällig {when}",
    reminded="Sie werden erinnert {when}",
    recurs="wiederholt sich",
    again="Sie werden wieder erinnert {when}",
    listed={False: "Ihre offenen Aufgaben", True: "Ihre Aufgaben: {words}"},
    none_listed={False: "Nichts ist offen.", True: "Nichts gefunden: {words}"},
    more="und {n} weitere",
    yes="Ja",
    no="Nein",
    none_of_these="Keine davon",
    undo="Rückgängig",
    complete="Erledigt",
    connect="Voice Todo verbinden",
)
_ALL: Final = {"en": _ENGLISH, "de": _GERMAN}


def words(locale: str) -> Words:
    """Of the language of this BCP 47 tag; English where there are none."""
    return _ALL.get(locale.replace("_", "-").partition("-")[0].lower(), _ENGLISH)

"""Why a calendar's sync left something alone, in a sentence for the person whose it is."""

from collections.abc import Mapping
from typing import Final

from core.rules.calendar_plans import Reason
from core.rules.calendar_policy import Refused

SENTENCES: Final[Mapping[str, str]] = {
    "event.over": "it was over when it was first read",
    Refused.CANCELLED: "it is cancelled",
    Refused.OF_A_TODO: "it stands for a todo of another connection, or for one that is gone",
    Refused.OCCURRENCE: "it is one occurrence of a series, which is read as a whole",
    Refused.KIND: "a birthday, focus time, absence or working place becomes no todo",
    Refused.DECLINED: "you declined it",
    Refused.DONE: "it is ticked off already",
    Refused.POLICY: "no events become todos: that is how this connection is set",
    Refused.NOT_TAGGED: "neither its title nor its description says #todo",
    Reason.STALE: "the listing was older than what is known",
    Reason.EVENT_WON: "both sides were changed: what stands in the calendar stays",
    Reason.TODO_WON: "both sides were changed: what stands in the todo stays",
    Reason.EDITED_SINCE: "one side deleted it and the other one changed it: it stays",
    Reason.DONE_KEPT: "the event of a todo that is done was deleted: the todo stays",
    Reason.NO_LONGER_DUE: "it has no day any more: the todo stays, without an event",
    Reason.NOT_EXPRESSIBLE: (
        "Google cannot say how it recurs: its event stands for the next occurrence alone"
    ),
    Reason.NOT_UNDERSTOOD: "our rules cannot say how the event recurs",
    Reason.OTHER_OCCURRENCE: (
        "another occurrence than the one that is due was changed there: that is not carried over"
    ),
}

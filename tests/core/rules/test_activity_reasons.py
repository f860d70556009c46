from core.rules.activity_reasons import SENTENCES
from core.rules.calendar_plans import Reason
from core.rules.calendar_policy import Refused


def test_whatever_a_calendar_leaves_alone_has_its_sentence() -> None:
    assert set(SENTENCES) == {*Reason, *Refused, "event.over"}

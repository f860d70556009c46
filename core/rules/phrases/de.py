"""German recurring dates as English ones; without accents: `fur`, `marz`."""

from typing import Final

from core.rules.phrases.table import Table, each

_DAYS: Final = {
    "montag": "monday",
    "dienstag": "tuesday",
    "mittwoch": "wednesday",
    "donnerstag": "thursday",
    "freitag": "friday",
    "samstag": "saturday",
    "sonnabend": "saturday",
    "sonntag": "sunday",
}
_SHORT: Final = {
    "mo": "monday",
    "di": "tuesday",
    "mi": "wednesday",
    "do": "thursday",
    "fr": "friday",
    "sa": "saturday",
    "so": "sunday",
}
_DAY: Final = "(?:" + "|".join(_DAYS) + ")"
EXAMPLES: Final = (
    "`jeden Tag um 9 Uhr`, `jeden Mo, Fr`, `alle! 2 Wochen`, `jeden 3. Freitag`, `jeden 27.`, "
    "`jeden letzten Tag`, `jeden 15. Januar`, `jeden Werktag ab 1. November bis 31. Dezember`"
)

PHRASES: Final[Table] = (
    # times of day
    (r"\b(?:um|ab) (?:12 uhr )?mittags?\b", "at noon"),
    (r"\bjeden mittag\b", "every day at noon"),
    (r"\bum mitternacht\b", "at midnight"),
    (r"\b(\d{1,2})(?:[:.](\d\d))? uhr (\d\d)\b", r"\1:\3 uhr"),
    (r"\b(?:um )?(\d{1,2})(?:[:.](\d\d))?(?: uhr)? (?:morgens|fruh|vormittags)\b", r"at \1:\2 am"),
    (r"\b(?:um )?(\d{1,2})(?:[:.](\d\d))?(?: uhr)? (?:abends|nachmittags)\b", r"at \1:\2 pm"),
    (r"\b(?:um )?(\d{1,2})(?:[:.](\d\d))? ?(?:uhr|h)\b", r"at \1:\2"),
    (r"\bum (\d{1,2})(?:[:.](\d\d))?(?=[ ,]|$)", r"at \1:\2"),
    # beginnings and ends
    (r"\b(?:ab|von|beginnend|startend)(?: ab)? morgen\b", "starting tomorrow"),
    (r"\b(?:ab|von|beginnend|startend)(?: ab)? heute\b", "starting today"),
    (rf"\bvon ({_DAY})s? bis ({_DAY})s?\b", r"jeden \1 to \2"),
    (rf"\b({_DAY}s?) bis ({_DAY}s?)\b", r"\1 to \2"),
    (r"\b(?:ab dem|ab|vom|beginnend am|beginnend|startend am)\b", "starting"),
    (r"\b(?:bis zum|bis|endend am)\b", "ending"),
    (r"\bfur\b", "for"),
    (r"\bnach (?:der )?(?:erledigung|abschluss|fertigstellung)\b", "after completion"),
    (r"^nach\b", "after"),
    # every
    (r"\b(?:jedes|eines jeden|jeden|im|des) monats?\b(?<=monats)|\bim monat\b", "of every month"),
    (r"\b(?:an )?(?:jede[nrsm]?|alle)\b", "every"),
    (r"\b(?:werktags|wochentags|unter der woche|an (?:werk|wochen)tagen)\b", "weekdays"),
    (r"\b(?:werk|wochen|arbeits)tage?\b", "workday"),
    (r"\b(?:am wochenende|an wochenenden)\b", "weekends"),
    (r"\bwochenenden?\b", "weekend"),
    (r"\btaglich\b", "daily"),
    (r"\bstundlich\b", "hourly"),
    (r"\b(?:zweiwochentlich|14-tagi?g?(?:lich)?)\b", "biweekly"),
    (r"\bwochentlich\b", "weekly"),
    (r"\bmonatlich\b", "monthly"),
    (r"\b(?:vierteljahrlich|quartalsweise)\b", "quarterly"),
    (r"\bhalbjahrlich\b", "every 6 months"),
    (r"\bjahrlich\b", "yearly"),
    # days and counts
    *each(_DAYS, r"\b{}s\b", "{}s"),
    *each(_DAYS, r"\b{}\b", "{}"),
    *each(_SHORT, r"\b{}\b", "{}"),
    (r"\berste[nrs]?\b", "first"),
    (r"\bzweite[nrs]?\b", "second"),
    (r"\bdritte[nrs]?\b", "third"),
    (r"\bvierte[nrs]?\b", "fourth"),
    (r"\bfunfte[nrs]?\b", "fifth"),
    (r"\bletzte[nrs]?\b", "last"),
    (r"\b(\d{1,2})\.(?!\d)", r"\1th"),
    *each({"zwei": "2", "drei": "3", "vier": "4", "funf": "5", "sechs": "6"}, r"\b{}\b", "{}"),
    (r"\btage?n?\b", "day"),
    (r"\bwochen?\b", "week"),
    (r"\bmonate?n?\b", "month"),
    (r"\bjahre?n?\b", "year"),
    (r"\bstunden?\b", "hour"),
    (r"\bminuten?\b", "minute"),
    (r"\bquartale?\b", "quarter"),
    (r"\bmorgens?\b", "morning"),
    (r"\b(?:nachmittags?)\b", "afternoon"),
    (r"\babends?\b", "evening"),
    (r"\bnachts?\b", "night"),
    *each(
        {
            "januar": "jan",
            "janner": "jan",
            "februar": "feb",
            "marz": "mar",
            "mrz": "mar",
            "mai": "may",
            "juni": "jun",
            "juli": "jul",
            "august": "aug",
            "oktober": "oct",
            "okt": "oct",
            "dezember": "dec",
            "dez": "dec",
        },
        r"\b{}\b",
        "{}",
    ),
    (r"(?<![\d:] )\bam\b", "on"),
    (r"\bund\b", "and"),
)

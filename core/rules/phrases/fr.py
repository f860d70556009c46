"""French recurring dates as English ones; without accents: `a 9 h`, `aout`."""

from typing import Final

from core.rules.phrases.table import Table, each

_DAYS: Final = {
    "lundi": "monday",
    "mardi": "tuesday",
    "mercredi": "wednesday",
    "jeudi": "thursday",
    "vendredi": "friday",
    "samedi": "saturday",
    "dimanche": "sunday",
}
_SHORT: Final = {
    "lun": "monday",
    "mer": "wednesday",
    "jeu": "thursday",
    "ven": "friday",
    "sam": "saturday",
    "dim": "sunday",
}
_MONTHS: Final = {
    "janvier": "jan",
    "janv": "jan",
    "fevrier": "feb",
    "fevr": "feb",
    "mars": "mar",
    "avril": "apr",
    "avr": "apr",
    "mai": "may",
    "juin": "jun",
    "juillet": "jul",
    "juil": "jul",
    "aout": "aug",
    "septembre": "sep",
    "octobre": "oct",
    "novembre": "nov",
    "decembre": "dec",
}
_DAY: Final = "(?:" + "|".join(_DAYS) + ")"
# not `toutes les 12 heures`
_CLOCK: Final = (
    r"(?:\ba )?(?<!les )(?<!chaque )(?<![!\d])\b(\d{1,2}) ?(?:h(?:eures?)?(?: ?(\d\d))?\b|:(\d\d))"
)
EXAMPLES: Final = (
    "`chaque jour à 9h`, `chaque lun, ven`, `toutes les! 2 semaines`, `chaque 3e vendredi`, "
    "`chaque 27`, `chaque dernier jour`, `chaque 15 janvier`, `chaque jour ouvré dès le 1er mai`"
)

PHRASES: Final[Table] = (
    # times of day
    (r"\ba midi\b", "at noon"),
    (r"\ba minuit\b", "at midnight"),
    (rf"{_CLOCK} du matin\b", r"at \1:\2\3 am"),
    (rf"{_CLOCK} (?:du soir|de l'apres-midi)(?!\w)", r"at \1:\2\3 pm"),
    (_CLOCK, r"at \1:\2\3"),
    # beginnings and ends
    (r"\b(?:a partir de|des|a compter de) demain\b", "starting tomorrow"),
    (r"\b(?:a partir d'|des )aujourd'hui\b", "starting today"),
    (rf"(?:\b(?:chaque jour|tous les jours) )?\bdu ({_DAY}) au ({_DAY})\b", r"chaque \1 to \2"),
    (r"\b(?:a partir|a compter) (?:du|de)\b|\b(?:des|commencant) le\b|\ba partir\b", "starting"),
    (r"\b(?:jusqu'(?:au|a)|finissant le|se terminant le)(?!\w)", "ending"),
    (r"\bpendant\b", "for"),
    (r"\bapres (?:l'avoir (?:fait|termine)e?|l'achevement|completion)\b", "after completion"),
    (r"^apres\b", "after"),
    # every
    (rf"\bune? (jour|semaine|mois|an|{_DAY}) sur deux\b", r"every other \1"),
    (r"\bdu mois\b|\bde (?:chaque|tous les) mois\b", "of every month"),
    (r"\b(?:chaque|(?:tous|toutes)(!?) les)\b", r"every\1"),
    (r"\b(?:les )?jours? (?:ouvre?s?|ouvrables?|de (?:la )?semaine)\b", "weekdays"),
    (r"\ben semaine\b", "weekdays"),
    (r"\b(?:les |le )?(?:week-?ends?|fins? de semaine)\b", "weekends"),
    (r"\bquotidien(?:ne|nement)?\b", "daily"),
    (r"\bhebdomadaire(?:ment)?\b", "weekly"),
    (r"\bmensuel(?:le|lement)?\b", "monthly"),
    (r"\btrimestriel(?:le|lement)?\b", "quarterly"),
    (r"\bannuel(?:le|lement)?\b", "yearly"),
    # days and counts
    *each(_DAYS, r"\ble {}\b", "on {}s"),
    *each(_DAYS, r"\bles {}s\b", "on {}s"),
    *each(_DAYS, r"\b{}s?\b", "{}"),
    *each(_SHORT, r"\b{}\b", "{}"),
    (r"\bpremi(?:er|ere)\b", "first"),
    (r"\b(?:deuxieme|seconde?)\b", "second"),
    (r"\btroisieme\b", "third"),
    (r"\bquatrieme\b", "fourth"),
    (r"\bcinquieme\b", "fifth"),
    (r"\bderni(?:er|ere)\b", "last"),
    (r"\b(\d{1,2})(?:ere|er|ieme|eme|e|nde|nd)\b", r"\1th"),
    *each({"deux": "2", "trois": "3", "quatre": "4", "cinq": "5"}, r"\b{}\b", "{}"),
    (r"\bjours?\b", "day"),
    (r"\bsemaines?\b", "week"),
    (r"\bmois\b", "month"),
    (r"\b(?:ans?|annees?)\b", "year"),
    (r"\bheures?\b", "hour"),
    (r"\btrimestres?\b", "quarter"),
    (r"\bmatins?\b", "morning"),
    (r"\bapres-midis?\b", "afternoon"),
    (r"\bsoirs?\b", "evening"),
    (r"\bnuits?\b", "night"),
    *each(_MONTHS, r"\b{}\b", "{}"),
    (r"\ble\b", "on"),
    (r"\bet\b", "and"),
)

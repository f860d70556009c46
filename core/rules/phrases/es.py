"""Spanish recurring dates as English ones; without accents: `dia`, `ano`."""

from typing import Final

from core.rules.phrases.table import Table, each

_DAYS: Final = {
    "lunes": "monday",
    "martes": "tuesday",
    "miercoles": "wednesday",
    "jueves": "thursday",
    "viernes": "friday",
    "sabados?": "saturday",
    "domingos?": "sunday",
    "lun": "monday",
    "mar": "tuesday",
    "mie": "wednesday",
    "jue": "thursday",
    "vie": "friday",
    "sab": "saturday",
    "dom": "sunday",
}
_MONTHS: Final = {
    "enero": "jan",
    "ene": "jan",
    "febrero": "feb",
    "marzo": "mar",
    "abril": "apr",
    "abr": "apr",
    "mayo": "may",
    "junio": "jun",
    "julio": "jul",
    "agosto": "aug",
    "ago": "aug",
    "sep?tiembre": "sep",
    "octubre": "oct",
    "noviembre": "nov",
    "diciembre": "dec",
    "dic": "dec",
}
_DAY: Final = "(?:" + "|".join(_DAYS) + ")"
_CLOCK: Final = r"\ba las? (\d{1,2})(?:[:.h](\d\d))?(?: ?h(?:oras|s)?\b)?"
EXAMPLES: Final = (
    "`cada día a las 9`, `cada lun, vie`, `cada! 2 semanas`, `cada tercer viernes`, `cada 27`, "
    "`cada último día`, `cada 15 de enero`, `cada día laborable desde el 1 de noviembre`"
)

PHRASES: Final[Table] = (
    # times of day
    (r"\b(?:desde|a partir de) (las? \d)", r"desde a \1"),
    (r"\b(?:al?|a las doce del) mediodia\b", "at noon"),
    (r"\ba (?:la )?medianoche\b", "at midnight"),
    (r"\ba las? (\d{1,2}) y media\b", r"a las \1:30"),
    (r"\ba las? (\d{1,2}) y cuarto\b", r"a las \1:15"),
    (rf"{_CLOCK} de la manana\b", r"at \1:\2 am"),
    (rf"{_CLOCK} de la (?:tarde|noche)\b", r"at \1:\2 pm"),
    (rf"{_CLOCK} ?([ap])\.? ?m\b\.?", r"at \1:\2 \3m"),
    (_CLOCK, r"at \1:\2"),
    # beginnings and ends
    (r"\b(?:desde|a partir de|empezando|comenzando) manana\b", "starting tomorrow"),
    (r"\b(?:desde|a partir de|empezando|comenzando) hoy\b", "starting today"),
    (rf"(?:\b(?:cada dia|todos los dias) )?\bde ({_DAY}) a ({_DAY})\b", r"cada \1 to \2"),
    (r"\b(?:desde|a partir de|empezando|comenzando)(?: el| del)?\b|\ba partir del\b", "starting"),
    (r"\b(?:hasta|terminando|acabando)(?: el)?\b", "ending"),
    (r"\bdurante\b", "for"),
    (r"\b(?:despues de|tras|al) (?:completarl[ao]|completar|terminarl[ao])\b", "after completion"),
    (r"^(?:despues de|tras)\b", "after"),
    # every
    (r"\bun dia si y otro no\b|\b(?:cada )?dia por medio\b", "every 2 days"),
    (r"^(?:el )?(\d{1,2} de [a-z]+) de cada ano\b", r"every \1"),
    (r"\bdel mes\b|\bde (?:cada|todos los) mes(?:es)?\b", "of every month"),
    (r"\b(?:cada|todos(!?) los|todas(!?) las)\b", r"every\1\2"),
    (r"\b(?:los )?dias? (?:laborables?|habiles|habil|de semana)\b", "weekdays"),
    (r"\b(?:en dias|entre) (?:de )?semana\b", "weekdays"),
    (r"\b(?:los )?fin(?:es)? de semana\b", "weekends"),
    (r"\b(?:a diario|diariamente|diario)\b", "daily"),
    (r"\bsemanal(?:mente)?\b", "weekly"),
    (r"\bquincenal(?:mente)?\b", "biweekly"),
    (r"\bmensual(?:mente)?\b", "monthly"),
    (r"\btrimestral(?:mente)?\b", "quarterly"),
    (r"\banual(?:mente)?\b", "yearly"),
    # days and counts
    *each(_DAYS, r"\blos {}\b", "on {}s"),
    *each(_DAYS, r"\b{}\b", "{}"),
    (r"\bprimer[oa]?\b", "first"),
    (r"\bsegund[oa]\b", "second"),
    (r"\btercer[oa]?\b", "third"),
    (r"\bcuart[oa]\b", "fourth"),
    (r"\bquint[oa]\b", "fifth"),
    (r"\bultim[oa]\b", "last"),
    *each({"dos": "2", "tres": "3", "cuatro": "4", "cinco": "5", "seis": "6"}, r"\b{}\b", "{}"),
    (r"\bdia (\d{1,2})\b", r"\1th"),
    (r"\bdias?\b", "day"),
    (r"\bsemanas?\b", "week"),
    (r"\bmes(?:es)?\b", "month"),
    (r"\banos?\b", "year"),
    (r"\bhoras?\b", "hour"),
    (r"\bminutos?\b", "minute"),
    (r"\btrimestres?\b", "quarter"),
    (r"\b(?:por la )?mananas?\b", "morning"),
    (r"\b(?:por la )?tardes?\b", "afternoon"),
    (r"\b(?:por la )?noches?\b", "night"),
    *each(_MONTHS, r"\b(?:de )?{}\b", "{}"),
    (r"\bde (\d{4})\b", r"\1"),
    (r"\bel\b", "on"),
    (r"\b[ye]\b", "and"),
)

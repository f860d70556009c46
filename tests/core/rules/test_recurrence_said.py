# ruff: noqa: E501 (a table: the four languages of a rule are to be compared with one another)
"""What grammar makes of a rule in each language: articles, ordinals, elisions, clocks."""

from datetime import date, time

import pytest

from core.rules.recurrence import Recurrence
from core.rules.recurrence_words import explain
from core.rules.reminders import Due
from core.rules.rrule import parse

MONDAY = date(2027, 1, 4)
ALL_DAY = Due(MONDAY, None, None)
LAST_DAY_OF_JANUARY = Due(date(2027, 1, 31), None, None)
BACKWARD = "RSCALE=GREGORIAN;SKIP=BACKWARD"
FORWARD = "RSCALE=GREGORIAN;SKIP=FORWARD"

SAID = [
    (
        "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU",
        ("every day", "jeden Tag", "todos los días", "tous les jours"),
    ),
    (
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,TH",
        ("every 2 weeks on Tuesday and Thursday", "alle 2 Wochen am Dienstag und Donnerstag", "cada 2 semanas los martes y jueves", "toutes les 2 semaines les mardis et jeudis"),
    ),
    (
        "FREQ=MONTHLY;BYMONTHDAY=1",
        ("on the 1st of every month", "am 1. jedes Monats", "el día 1 de cada mes", "le 1er de chaque mois"),
    ),
    (
        "FREQ=MONTHLY;BYMONTHDAY=22,23",
        ("on the 22nd and the 23rd of every month", "am 22. und 23. jedes Monats", "el día 22 y el día 23 de cada mes", "le 22 et le 23 de chaque mois"),
    ),
    (
        "FREQ=MONTHLY;BYMONTHDAY=-1",
        ("on the last day of every month", "am letzten Tag jedes Monats", "el último día de cada mes", "le dernier jour de chaque mois"),
    ),
    (
        "FREQ=MONTHLY;BYMONTHDAY=-2",
        ("on the second to last day of every month", "am vorletzten Tag jedes Monats", "el penúltimo día de cada mes", "l'avant-dernier jour de chaque mois"),
    ),
    (
        "FREQ=MONTHLY;BYMONTHDAY=-3,-1",
        ("on the third to last day and the last day of every month", "am drittletzten und letzten Tag jedes Monats", "el antepenúltimo día y el último día de cada mes", "l'antépénultième jour et le dernier jour de chaque mois"),
    ),
    (
        "FREQ=MONTHLY;BYDAY=1MO,3MO",
        ("on the first and third Monday of every month", "am ersten und dritten Montag jedes Monats", "el primer y el tercer lunes de cada mes", "le premier et le troisième lundi de chaque mois"),
    ),
    (
        "FREQ=MONTHLY;BYDAY=-2MO",
        ("on the second to last Monday of every month", "am vorletzten Montag jedes Monats", "el penúltimo lunes de cada mes", "l'avant-dernier lundi de chaque mois"),
    ),
    (
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
        ("on the second to last weekday of every month", "am vorletzten Werktag (Mo-Fr) jedes Monats", "el penúltimo día laborable (lun-vie) de cada mes", "l'avant-dernier jour ouvré (lun-ven) de chaque mois"),
    ),
    (
        "FREQ=YEARLY;BYMONTH=4,8;BYDAY=1MO",
        ("every year on the first Monday of April and August", "jedes Jahr am ersten Montag im April und August", "cada año el primer lunes de abril y agosto", "tous les ans le premier lundi d'avril et d'août"),
    ),
    (
        "FREQ=YEARLY;BYDAY=-1FR",
        ("every year on the last Friday of the year", "jedes Jahr am letzten Freitag des Jahres", "cada año el último viernes del año", "tous les ans le dernier vendredi de l'année"),
    ),
    (
        "FREQ=YEARLY;BYWEEKNO=20,30;BYDAY=MO,FR",
        ("every year on Monday and Friday of week 20 and 30", "jedes Jahr am Montag und Freitag in Kalenderwoche 20 und 30", "cada año el lunes y viernes de la semana 20 y 30", "tous les ans le lundi et vendredi de la semaine 20 et 30"),
    ),
    (
        "FREQ=YEARLY;BYYEARDAY=100,200",
        ("every year on day 100 and day 200 of the year", "jedes Jahr am 100. und 200. Tag des Jahres", "cada año el día 100 y día 200 del año", "tous les ans le 100e et le 200e jour de l'année"),
    ),
    (
        "FREQ=YEARLY;BYYEARDAY=-1",
        ("every year on the last day of the year", "jedes Jahr am letzten Tag des Jahres", "cada año el último día del año", "tous les ans le dernier jour de l'année"),
    ),
    (
        "FREQ=YEARLY;BYWEEKNO=-1;BYDAY=MO",
        ("every year, limited to week of the year: 1 from the end; weekday: Monday", "jedes Jahr, nur Kalenderwoche: 1 vom Ende; Wochentag: Montag", "cada año, solo semana del año: 1 desde el final; día de la semana: lunes", "tous les ans, seulement semaine de l'année : 1 à partir de la fin ; jour de la semaine : lundi"),
    ),
    (
        "FREQ=DAILY;COUNT=1",
        ("every day, once", "jeden Tag, einmal", "todos los días, una vez", "tous les jours, une fois"),
    ),
    (
        "FREQ=DAILY;UNTIL=20270401",
        ("every day until 1 April 2027", "jeden Tag bis zum 1. April 2027", "todos los días hasta el 1 de abril de 2027", "tous les jours jusqu'au 1er avril 2027"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("rrule", "sentences"), SAID)
def test_in_each_language(rrule: str, sentences: tuple[str, ...]) -> None:
    recurrence = Recurrence(parse(rrule))
    said = [explain(recurrence, due=ALL_DAY, locale=each) for each in ("en", "de", "es", "fr")]
    assert said == list(sentences)


@pytest.mark.parametrize(
    ("skip", "sentences"),
    [
        ("", ("months without that day are left out", "Monate ohne diesen Tag fallen aus", "se omiten los meses sin ese día", "les mois sans ce jour sont omis")),
        (BACKWARD, ("in shorter months on the last day", "in kürzeren Monaten am letzten Tag", "en los meses más cortos, el último día", "les mois plus courts, le dernier jour")),
        (FORWARD, ("in shorter months on the first day of the next month", "in kürzeren Monaten am ersten Tag des nächsten Monats", "en los meses más cortos, el primer día del mes siguiente", "les mois plus courts, le premier jour du mois suivant")),
    ],
)  # fmt: skip
def test_months_without_that_day(skip: str, sentences: tuple[str, ...]) -> None:
    recurrence = Recurrence(parse(f"FREQ=MONTHLY;{skip}"))
    for locale, sentence in zip(("en", "de", "es", "fr"), sentences, strict=True):
        said = explain(recurrence, due=LAST_DAY_OF_JANUARY, locale=locale)
        assert said.endswith(sentence)
        assert "31" in said


@pytest.mark.parametrize(
    ("locale", "at", "sentence"),
    [
        ("en", time(9), "every day at 09:00"),
        ("en-GB", time(13, 30), "every day at 13:30"),
        ("en-US", time(9), "every day at 9:00 AM"),
        ("en_AU", time(13, 30), "every day at 1:30 PM"),
        ("en-CA", time(0), "every day at 12:00 AM"),
        ("en-IN", time(12), "every day at 12:00 PM"),
        ("en-US", time(23, 59, 59), "every day at 11:59:59 PM"),
        ("de", time(9), "jeden Tag um 09:00 Uhr"),
        ("es", time(9, 5), "todos los días a las 9:05"),
        ("es", time(1), "todos los días a la 1:00"),
        ("es", time(21), "todos los días a las 21:00"),
        ("fr", time(9), "tous les jours à 9 h"),
        ("fr-CA", time(9, 5), "tous les jours à 9 h 05"),
    ],
)
def test_clocks(locale: str, at: time, sentence: str) -> None:
    due = Due(MONDAY, at, None)
    assert explain(Recurrence(parse("FREQ=DAILY")), due=due, locale=locale) == sentence


def test_americans_name_the_month_first() -> None:
    yearly = Recurrence(parse("FREQ=YEARLY;UNTIL=20310101"))
    said = explain(yearly, due=ALL_DAY, locale="en-US")
    assert said == "every year on January 4 until January 1, 2031"

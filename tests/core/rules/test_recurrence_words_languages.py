"""Sentences of recurrences in each other language, and never one sentence for different days."""

from collections import defaultdict
from datetime import date, time
from functools import cache
from itertools import islice, product

import pytest

from core.rules.recurrence import Recurrence, occurrences
from core.rules.recurrence_words import LANGUAGES, explain
from core.rules.reminders import Due
from core.rules.rrule import InvalidRule, parse

MORNING = Due(date(2027, 1, 4), time(9), None)  # a Monday
ONE_DAY = ("", "BYDAY=MO", "BYDAY=MO,WE", "BYDAY=-1FR")
GERMAN = [
    ("FREQ=DAILY", "jeden Tag um 09:00 Uhr"),
    ("FREQ=DAILY;INTERVAL=3", "alle 3 Tage um 09:00 Uhr"),
    ("FREQ=DAILY;BYMONTH=1,2", "jeden Tag im Januar und Februar um 09:00 Uhr"),
    ("FREQ=DAILY;BYHOUR=8,18", "jeden Tag um 08:00 und 18:00 Uhr"),
    ("FREQ=DAILY;COUNT=10", "jeden Tag um 09:00 Uhr, 10-mal"),
    ("FREQ=DAILY;UNTIL=20271231", "jeden Tag um 09:00 Uhr bis zum 31. Dezember 2027"),
    ("FREQ=DAILY;UNTIL=20271231T235959Z", "jeden Tag um 09:00 Uhr bis zum 31. Dezember 2027 (UTC)"),
    ("FREQ=WEEKLY", "jeden Montag um 09:00 Uhr"),
    ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "montags bis freitags um 09:00 Uhr"),
    ("FREQ=WEEKLY;BYDAY=SA,SU", "jeden Samstag und Sonntag um 09:00 Uhr"),
    (
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE;UNTIL=20271231",
        "alle 2 Wochen am Montag und Mittwoch um 09:00 Uhr bis zum 31. Dezember 2027",
    ),
    (
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TU,WE,TH,FR",
        "alle 2 Wochen montags bis freitags um 09:00 Uhr",
    ),
    ("FREQ=MONTHLY", "am 4. jedes Monats um 09:00 Uhr"),
    (
        "FREQ=MONTHLY;BYMONTHDAY=31;RSCALE=GREGORIAN;SKIP=BACKWARD",
        "am 31. jedes Monats um 09:00 Uhr; in kürzeren Monaten am letzten Tag",
    ),
    ("FREQ=MONTHLY;BYMONTHDAY=1,15,-1", "am 1., 15. und letzten Tag jedes Monats um 09:00 Uhr"),
    ("FREQ=MONTHLY;BYDAY=-1FR", "am letzten Freitag jedes Monats um 09:00 Uhr"),
    ("FREQ=MONTHLY;BYDAY=1TU,3TU", "am ersten und dritten Dienstag jedes Monats um 09:00 Uhr"),
    (
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        "am letzten Werktag (Mo-Fr) jedes Monats um 09:00 Uhr",
    ),
    ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "jeden Freitag, den 13. um 09:00 Uhr"),
    ("FREQ=YEARLY", "jedes Jahr am 4. Januar um 09:00 Uhr"),
    (
        "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH",
        "jedes Jahr am vierten Donnerstag im November um 09:00 Uhr",
    ),
    (
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
        "jedes Jahr am 29. Februar um 09:00 Uhr; nur in Schaltjahren",
    ),
    ("FREQ=YEARLY;BYMONTH=3,8;BYMONTHDAY=1", "jedes Jahr am 1. März und 1. August um 09:00 Uhr"),
    (
        "FREQ=YEARLY;BYMONTH=2,10;BYMONTHDAY=-1",
        "jedes Jahr am letzten Tag im Februar und Oktober um 09:00 Uhr",
    ),
    (
        "FREQ=YEARLY;BYWEEKNO=20",
        "jedes Jahr am Montag in Kalenderwoche 20 um 09:00 Uhr",
    ),
    ("FREQ=YEARLY;BYYEARDAY=1,-1", "jedes Jahr um 09:00 Uhr, nur Tag des Jahres: 1 und 1 vom Ende"),
    ("FREQ=HOURLY", "jede Stunde ab 09:00 Uhr"),
    ("FREQ=HOURLY;INTERVAL=4", "alle 4 Stunden ab 09:00 Uhr"),
    ("FREQ=MINUTELY;INTERVAL=30", "alle 30 Minuten ab 09:00 Uhr"),
]
SPANISH = [
    ("FREQ=DAILY", "todos los días a las 9:00"),
    ("FREQ=DAILY;INTERVAL=3", "cada 3 días a las 9:00"),
    ("FREQ=DAILY;BYMONTH=1,2", "todos los días en enero y febrero a las 9:00"),
    ("FREQ=DAILY;BYHOUR=8,18", "todos los días a las 8:00 y 18:00"),
    ("FREQ=DAILY;COUNT=10", "todos los días a las 9:00, 10 veces"),
    ("FREQ=DAILY;UNTIL=20271231", "todos los días a las 9:00 hasta el 31 de diciembre de 2027"),
    (
        "FREQ=DAILY;UNTIL=20271231T235959Z",
        "todos los días a las 9:00 hasta el 31 de diciembre de 2027 (UTC)",
    ),
    ("FREQ=WEEKLY", "todos los lunes a las 9:00"),
    ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "de lunes a viernes a las 9:00"),
    ("FREQ=WEEKLY;BYDAY=SA,SU", "todos los sábados y domingos a las 9:00"),
    (
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE;UNTIL=20271231",
        "cada 2 semanas los lunes y miércoles a las 9:00 hasta el 31 de diciembre de 2027",
    ),
    (
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TU,WE,TH,FR",
        "cada 2 semanas de lunes a viernes a las 9:00",
    ),
    ("FREQ=MONTHLY", "el día 4 de cada mes a las 9:00"),
    (
        "FREQ=MONTHLY;BYMONTHDAY=31;RSCALE=GREGORIAN;SKIP=BACKWARD",
        "el día 31 de cada mes a las 9:00; en los meses más cortos, el último día",
    ),
    (
        "FREQ=MONTHLY;BYMONTHDAY=1,15,-1",
        "el día 1, el día 15 y el último día de cada mes a las 9:00",
    ),
    ("FREQ=MONTHLY;BYDAY=-1FR", "el último viernes de cada mes a las 9:00"),
    ("FREQ=MONTHLY;BYDAY=1TU,3TU", "el primer y el tercer martes de cada mes a las 9:00"),
    (
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        "el último día laborable (lun-vie) de cada mes a las 9:00",
    ),
    ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "todos los viernes 13 a las 9:00"),
    ("FREQ=YEARLY", "cada año el 4 de enero a las 9:00"),
    ("FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", "cada año el cuarto jueves de noviembre a las 9:00"),
    (
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
        "cada año el 29 de febrero a las 9:00; solo en años bisiestos",
    ),
    ("FREQ=YEARLY;BYMONTH=3,8;BYMONTHDAY=1", "cada año el 1 de marzo y el 1 de agosto a las 9:00"),
    (
        "FREQ=YEARLY;BYMONTH=2,10;BYMONTHDAY=-1",
        "cada año el último día de febrero y octubre a las 9:00",
    ),
    (
        "FREQ=YEARLY;BYWEEKNO=20",
        "cada año el lunes de la semana 20 a las 9:00",
    ),
    ("FREQ=YEARLY;BYYEARDAY=1,-1", "cada año a las 9:00, solo día del año: 1 y 1 desde el final"),
    ("FREQ=HOURLY", "cada hora a partir de las 9:00"),
    ("FREQ=HOURLY;INTERVAL=4", "cada 4 horas a partir de las 9:00"),
    ("FREQ=MINUTELY;INTERVAL=30", "cada 30 minutos a partir de las 9:00"),
]
FRENCH = [
    ("FREQ=DAILY", "tous les jours à 9 h"),
    ("FREQ=DAILY;INTERVAL=3", "tous les 3 jours à 9 h"),
    ("FREQ=DAILY;BYMONTH=1,2", "tous les jours en janvier et février à 9 h"),
    ("FREQ=DAILY;BYHOUR=8,18", "tous les jours à 8 h et 18 h"),
    ("FREQ=DAILY;COUNT=10", "tous les jours à 9 h, 10 fois"),
    ("FREQ=DAILY;UNTIL=20271231", "tous les jours à 9 h jusqu'au 31 décembre 2027"),
    (
        "FREQ=DAILY;UNTIL=20271231T235959Z",
        "tous les jours à 9 h jusqu'au 31 décembre 2027 (UTC)",
    ),
    ("FREQ=WEEKLY", "tous les lundis à 9 h"),
    ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "du lundi au vendredi à 9 h"),
    ("FREQ=WEEKLY;BYDAY=SA,SU", "tous les samedis et dimanches à 9 h"),
    (
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE;UNTIL=20271231",
        "toutes les 2 semaines les lundis et mercredis à 9 h jusqu'au 31 décembre 2027",
    ),
    (
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TU,WE,TH,FR",
        "toutes les 2 semaines du lundi au vendredi à 9 h",
    ),
    ("FREQ=MONTHLY", "le 4 de chaque mois à 9 h"),
    (
        "FREQ=MONTHLY;BYMONTHDAY=31;RSCALE=GREGORIAN;SKIP=BACKWARD",
        "le 31 de chaque mois à 9 h ; les mois plus courts, le dernier jour",
    ),
    ("FREQ=MONTHLY;BYMONTHDAY=1,15,-1", "le 1er, le 15 et le dernier jour de chaque mois à 9 h"),
    ("FREQ=MONTHLY;BYDAY=-1FR", "le dernier vendredi de chaque mois à 9 h"),
    ("FREQ=MONTHLY;BYDAY=1TU,3TU", "le premier et le troisième mardi de chaque mois à 9 h"),
    (
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        "le dernier jour ouvré (lun-ven) de chaque mois à 9 h",
    ),
    ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "tous les vendredis 13 à 9 h"),
    ("FREQ=YEARLY", "tous les ans le 4 janvier à 9 h"),
    ("FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", "tous les ans le quatrième jeudi de novembre à 9 h"),
    (
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
        "tous les ans le 29 février à 9 h ; seulement les années bissextiles",
    ),
    ("FREQ=YEARLY;BYMONTH=3,8;BYMONTHDAY=1", "tous les ans le 1er mars et le 1er août à 9 h"),
    (
        "FREQ=YEARLY;BYMONTH=2,10;BYMONTHDAY=-1",
        "tous les ans le dernier jour de février et d'octobre à 9 h",
    ),
    (
        "FREQ=YEARLY;BYWEEKNO=20",
        "tous les ans le lundi de la semaine 20 à 9 h",
    ),
    (
        "FREQ=YEARLY;BYYEARDAY=1,-1",
        "tous les ans à 9 h, seulement jour de l'année : 1 et 1 à partir de la fin",
    ),
    ("FREQ=HOURLY", "toutes les heures à partir de 9 h"),
    ("FREQ=HOURLY;INTERVAL=4", "toutes les 4 heures à partir de 9 h"),
    ("FREQ=MINUTELY;INTERVAL=30", "toutes les 30 minutes à partir de 9 h"),
]


@pytest.mark.parametrize(("rrule", "sentence"), GERMAN)
def test_german(rrule: str, sentence: str) -> None:
    assert explain(Recurrence(parse(rrule)), due=MORNING, locale="de-AT") == sentence


@pytest.mark.parametrize(("rrule", "sentence"), SPANISH)
def test_spanish(rrule: str, sentence: str) -> None:
    assert explain(Recurrence(parse(rrule)), due=MORNING, locale="es_MX") == sentence


@pytest.mark.parametrize(("rrule", "sentence"), FRENCH)
def test_french(rrule: str, sentence: str) -> None:
    assert explain(Recurrence(parse(rrule)), due=MORNING, locale="FR") == sentence


def test_one_o_clock_is_one_in_spanish() -> None:
    said = explain(Recurrence(parse("FREQ=DAILY;BYHOUR=1")), due=MORNING, locale="es")
    assert said == "todos los días a la 1:00"


def family() -> list[str]:
    """Rules of all kinds and mixtures; many name the same days."""
    parts = (
        ("FREQ=DAILY", "FREQ=WEEKLY", "FREQ=MONTHLY", "FREQ=YEARLY"),
        ("", "INTERVAL=2"),
        (*ONE_DAY, "BYDAY=MO,TU,WE,TH,FR", "BYDAY=SA,SU", "BYDAY=1MO,-1MO,2TU", "BYDAY=20MO"),
        ("", "BYMONTHDAY=4", "BYMONTHDAY=13", "BYMONTHDAY=31", "BYMONTHDAY=1,-1"),
        ("", "BYMONTH=1", "BYMONTH=2,10"),
        ("", "BYSETPOS=1", "BYSETPOS=-1,2"),
        ("", "WKST=SU", "BYHOUR=8,18", "RSCALE=GREGORIAN;SKIP=BACKWARD"),
    )
    return [";".join(filter(None, chosen)) for chosen in product(*parts)]


@cache
def first_of(rrule: str) -> object:
    """What tells two rules apart: their first occurrences, or that there are none."""
    try:
        found = occurrences(Recurrence(parse(rrule)), MORNING, zone="UTC")
        return [each.at for each in islice(found, 15)]
    except InvalidRule as error:
        return error.code


@pytest.mark.parametrize("locale", LANGUAGES)
def test_different_days_never_share_a_sentence(locale: str) -> None:
    said: dict[str, list[str]] = defaultdict(list)
    for rrule in family():
        try:
            recurrence = Recurrence(parse(rrule))
        except InvalidRule:
            continue
        said[explain(recurrence, due=MORNING, locale=locale)].append(rrule)
    assert len(said) > 1_000
    for sentence, rules in said.items():
        if len(rules) > 1:
            days = [first_of(rrule) for rrule in rules]
            assert all(each == days[0] for each in days), (sentence, rules)

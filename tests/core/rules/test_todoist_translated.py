"""Recurring dates in German, Spanish and French: each phrase beside the English one it means."""

from datetime import date

import pytest

from core.rules.recurrence_todoist import DAYS
from core.rules.todoist_reading import from_todoist
from core.rules.todoist_translated import LANGUAGES, from_words

TODAY = date(2027, 1, 4)  # a Monday

GERMAN = [
    ("jeden Tag", "every day"),
    ("täglich um 9", "every day at 9"),
    ("jeden Montag um 9 Uhr", "every monday at 9:00"),
    ("jeden Tag um 9 Uhr 30", "every day at 9:30"),
    ("jeden 2. Tag", "every 2 days"),
    ("jeden zweiten Tag", "every 2 days"),
    ("alle 3 Tage", "every 3 days"),
    ("alle! 3 Tage", "every! 3 days"),
    ("jeden! Montag", "every! monday"),
    ("alle zwei Wochen am Dienstag und Donnerstag", "every 2 weeks on tue and thu"),
    ("jede zweite Woche", "every 2 weeks"),
    ("jeden Mo, Mi und Fr um 18:30", "every mon, wed, fri at 18:30"),
    ("jeden Werktag um 9 Uhr", "every workday at 9:00"),
    ("werktags um 7.30 Uhr", "every workday at 7:30"),
    ("jedes Wochenende", "every weekend"),
    ("montags und mittwochs um 18 Uhr", "every mon, wed at 18:00"),
    ("montags bis freitags um 8 Uhr", "every workday at 8:00"),
    ("von Montag bis Freitag", "every workday"),
    ("jeden 3. Freitag", "every 3rd friday"),
    ("jeden ersten Montag des Monats", "every 1st monday"),
    ("am letzten Freitag jedes Monats um 17 Uhr", "every last friday at 17:00"),
    ("am 1. jedes Monats", "every 1st"),
    ("jeden letzten Tag im Monat", "every last day"),
    ("jeden 31.", "every 31st"),
    ("jeden 27. Januar", "every jan 27"),
    ("jedes Jahr am 2. März", "every 2 mar"),
    ("jeden Monat am 15.", "every 15th"),
    ("vierteljährlich", "every quarter"),
    ("stündlich", "every hour"),
    ("alle 12 Stunden ab 21 Uhr", "every 12 hours starting at 9pm"),
    ("jeden Morgen", "every morning"),
    ("jeden Montag morgen", "every monday at 9:00"),
    ("jeden Mittag", "every day at noon"),
    ("jeden Tag um 8 Uhr abends", "every day at 8pm"),
    ("jeden Tag um 8 Uhr morgens", "every day at 8am"),
    ("nach 3 Tagen", "after 3 days"),
    ("alle 3 Tage nach Erledigung", "every! 3 days"),
    ("jeden Mo, Fr ab 1. August bis 3. Dezember", "every mon, fri starting aug 1 ending dec 3"),
    ("jeden Tag ab morgen", "every day starting tomorrow"),
    ("jeden Tag für 3 Wochen", "every day for 3 weeks"),
    ("every mon at 9 am", "every mon at 9 am"),
]
SPANISH = [
    ("cada día", "every day"),
    ("todos los días a las 9", "every day at 9"),
    ("cada lunes a las 9", "every monday at 9"),
    ("todos los lunes y miércoles", "every mon, wed"),
    ("los martes a las 21:30", "every tuesday at 21:30"),
    ("cada 3 días", "every 3 days"),
    ("cada! 3 días", "every! 3 days"),
    ("cada dos semanas el martes y jueves", "every 2 weeks on tue and thu"),
    ("cada día laborable a las 9", "every workday at 9"),
    ("entre semana a las 8", "every workday at 8"),
    ("de lunes a viernes a las 8 de la mañana", "every workday at 8am"),
    ("cada fin de semana", "every weekend"),
    ("cada mañana", "every morning"),
    ("cada noche a las 10 de la noche", "every day at 10pm"),
    ("cada 31", "every 31st"),
    ("cada último día del mes", "every last day"),
    ("el último día de cada mes", "every last day"),
    ("el día 15 de cada mes", "every 15th"),
    ("cada tercer viernes", "every 3rd friday"),
    ("cada último viernes", "every last friday"),
    ("cada 27 de enero a las 10:00", "every jan 27 at 10:00"),
    ("cada año el 2 de enero", "every jan 2"),
    ("cada hora", "every hour"),
    ("cada 12 horas desde las 21", "every 12 hours starting at 21:00"),
    ("cada trimestre", "every quarter"),
    (
        "cada lun, vie desde el 1 de agosto hasta el 3 de diciembre",
        "every mon, fri starting aug 1 ending dec 3",
    ),
    ("después de 3 días", "after 3 days"),
    ("a diario a mediodía", "every day at noon"),
    ("cada día a la 1", "every day at 1:00"),
    ("cada día a las 9 y media", "every day at 9:30"),
    ("cada sábado y domingo", "every sat, sun"),
    ("un día sí y otro no", "every other day"),
]
FRENCH = [
    ("chaque jour", "every day"),
    ("tous les jours à 9h", "every day at 9:00"),
    ("tous les lundis à 9h", "every monday at 9:00"),
    ("chaque lundi à 9 h 30", "every monday at 9:30"),
    ("le lundi et le jeudi à 18h", "every mon, thu at 18:00"),
    ("tous les 3 jours", "every 3 days"),
    ("tous les! 3 jours", "every! 3 days"),
    ("chaque! lundi", "every! monday"),
    ("toutes les deux semaines le mardi et le jeudi", "every 2 weeks on tue and thu"),
    ("un jour sur deux", "every other day"),
    ("un lundi sur deux", "every other monday"),
    ("chaque jour ouvré à 9h", "every workday at 9:00"),
    ("du lundi au vendredi à 8h30", "every workday at 8:30"),
    ("tous les jours du lundi au vendredi à 8 heures", "every workday at 8:00"),
    ("chaque week-end", "every weekend"),
    ("chaque matin", "every morning"),
    ("tous les soirs à 20h", "every day at 20:00"),
    ("chaque après-midi", "every afternoon"),
    ("chaque 1er", "every 1st"),
    ("le dernier jour du mois", "every last day"),
    ("le 15 de chaque mois", "every 15th"),
    ("chaque 3e vendredi", "every 3rd friday"),
    ("le premier lundi de chaque mois", "every 1st monday"),
    ("chaque 27 janvier à 10:00", "every jan 27 at 10:00"),
    ("chaque année le 1er août", "every aug 1"),
    ("toutes les heures", "every hour"),
    ("toutes les 12 heures à partir de 21h", "every 12 hours starting at 21:00"),
    ("tous les ans", "every year"),
    (
        "chaque lun, ven à partir du 1er août jusqu’au 3 décembre",  # noqa: RUF001 (as French writes it)
        "every mon, fri starting aug 1 ending dec 3",
    ),
    ("après 3 jours", "after 3 days"),
    ("tous les samedis et dimanches", "every sat, sun"),
]
PHRASES = [
    *(("de", *pair) for pair in GERMAN),
    *(("es", *pair) for pair in SPANISH),
    *(("fr", *pair) for pair in FRENCH),
]


@pytest.mark.parametrize(("language", "phrase", "english"), PHRASES)
def test_means_what_the_english_phrase_means(language: str, phrase: str, english: str) -> None:
    found = from_words(phrase, today=TODAY, language=language)
    assert found == from_todoist(english, today=TODAY)


@pytest.mark.parametrize(
    ("language", "phrase", "example"),
    [
        ("de", "Montag um 9", "jeden Tag um 9 Uhr"),
        ("de", "jeden Fisch", "jeden Tag um 9 Uhr"),
        ("es", "lunes a las 9", "cada día a las 9"),
        ("fr", "lundi à 9h", "chaque jour à 9h"),
        ("fr", "cada lunes", "chaque jour à 9h"),
        ("en", "jeden Montag", "every day at 9am"),
        ("de", "jeden Tag " * 40, "every day at 9am"),
    ],
)
def test_never_guesses(language: str, phrase: str, example: str) -> None:
    with pytest.raises(ValueError, match=example):
        from_words(phrase, today=TODAY, language=language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_english_days_are_understood_everywhere(language: str) -> None:
    phrase = f"every {', '.join(DAYS)} at 9 am starting 1 mar 2027 ending 31 may 2027"
    found = from_words(phrase, today=TODAY, language=language)
    assert found == from_todoist(phrase, today=TODAY)

"""What is asked back, in the person's language where its lexicon has the sentence."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from core.rules.understanding import words
from core.rules.understanding.commands import Intent
from core.services.voice_steps import Ask, Step

ENGLISH: Final[Mapping[str, str]] = {
    "sure.create": "Add “{title}”?",
    "sure.complete": "Complete “{title}”?",
    "sure.reopen": "Reopen “{title}”?",
    "sure.update": "Change “{title}”?",
    "sure.delete": "Delete “{title}”?",
    "sure.snooze": "Put off “{title}”?",
    "sure.list": "Shall I look that up?",
    "sure.undo": "Take back the last change?",
    "every.complete": "Complete {count} todos?",
    "every.reopen": "Reopen {count} todos?",
    "every.update": "Change {count} todos?",
    "every.delete": "Delete {count} todos?",
    "every.snooze": "Put off {count} todos?",
    "unclear": "What should I do?",
    "which": "Which one do you mean?",
    "not_found": "I found no todo like “{reference}”. Which one do you mean?",
    "nothing_to_undo": "There is nothing to take back.",
}

_PLACE: Final = re.compile(r"\{(\w+)\}")  # replaced once: a title with braces stays as it is


def question(steps: Sequence[Step], language: str) -> str | None:
    """One sentence for each step that waits."""
    return " ".join(_of(step, language) for step in steps) or None


def sentence(name: str, language: str, **told: str) -> str:
    """Of the language's lexicon (`questions.<name>` of its words), else in English."""
    try:
        pattern = words.of(language).questions.get(name, ENGLISH[name])
    except KeyError:
        pattern = ENGLISH[name]
    return _PLACE.sub(lambda found: told.get(found[1], ""), pattern)


def _of(step: Step, language: str) -> str:
    if step.question:
        return step.question
    intent, count = step.told.intent, len(step.targets)
    if step.ask is Ask.NOT_FOUND and step.reference:
        return sentence("not_found", language, reference=step.reference)
    if step.ask in {Ask.WHICH, Ask.NOT_FOUND}:
        return sentence("which", language)
    if step.ask is Ask.MISSING or intent is Intent.UNKNOWN:
        return sentence("unclear", language)
    if step.everything and count > 1:
        return sentence(f"every.{intent}", language, count=str(count))
    title = step.targets[0].title if step.targets else step.told.fields.get("title")
    return sentence(f"sure.{intent}", language, title=title or "")

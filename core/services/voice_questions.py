"""What is asked back: the sentences of the language's lexicon, about the todos that are there."""

from collections.abc import Sequence
from typing import Final

from core.rules.understanding import languages
from core.rules.understanding.commands import Intent
from core.services.voice_steps import Ask, Step

NOTHING_TO_UNDO: Final = "There is nothing to take back."
_NAMED: Final = {Intent.CREATE: "add"}


def question(steps: Sequence[Step], language: str) -> str | None:
    """One sentence for each step that waits, and each sentence once."""
    return " ".join(dict.fromkeys(_of(step, language) for step in steps)) or None


def _of(step: Step, language: str) -> str:
    if step.question and step.ask not in {Ask.WHICH, Ask.NOT_FOUND}:
        return step.question
    name, values = _asked(step)
    return languages.question(language, name, values)


def _asked(step: Step) -> tuple[str, dict[str, str]]:
    """The sentence's name in `[words.questions]`, and what stands in its braces."""
    intent, count = step.told.intent, len(step.targets)
    title = step.targets[0].title if step.targets else step.told.fields.get("title") or ""
    if step.ask is Ask.WHICH:
        return "which", {"titles": ", ".join(each.title for each in step.offered)}
    if step.ask is Ask.NOT_FOUND:
        return ("not_found", {"title": step.reference}) if step.reference else ("target", {})
    if step.ask is Ask.MISSING or intent is Intent.UNKNOWN:
        return "unclear", {}
    if step.everything and count > 1:
        return "every", {"count": str(count)}
    return (_NAMED.get(intent, str(intent)), {"title": title}) if title else ("several", {})

"""What is asked back: the sentences of the language's lexicon, about the todos that are there."""

from collections.abc import Sequence

from core.rules.understanding import languages
from core.rules.understanding.commands import Intent
from core.services.voice_steps import Ask, Step


def question(steps: Sequence[Step], language: str) -> str | None:
    """One sentence for each step that waits, and each sentence once."""
    return " ".join(dict.fromkeys(_of(step, language) for step in steps)) or None


def nothing_to_undo(language: str) -> str:
    return languages.question(language, "nothing_to_undo")


def _of(step: Step, language: str) -> str:
    if step.question and step.ask not in {Ask.WHICH, Ask.NOT_FOUND}:
        return step.question
    name, values = _asked(step)
    return languages.question(language, name, values)


def _asked(step: Step) -> tuple[str, dict[str, str]]:
    """The sentence's name in `[words.questions]`, and what stands in its braces."""
    intent, count = step.told.intent, len(step.targets)
    if step.ask is Ask.WHICH and len(step.offered) > 1:
        return "which", {}
    if step.ask is Ask.NOT_FOUND:
        return ("not_found", {"reference": step.reference}) if step.reference else ("target", {})
    if step.ask is Ask.MISSING or intent is Intent.UNKNOWN:
        return "unclear", {}
    if step.everything and count > 1:
        return f"every.{intent}", {"count": str(count)}
    meant = step.targets or step.offered
    title = meant[0].title if meant else step.told.fields.get("title")
    return f"sure.{intent}", {"title": title or ""}

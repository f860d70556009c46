"""How servers of OpenAI's shape differ. `read` in `spoken` takes what any of them answers."""

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class Profile:
    """`verbose`: it tells segments and word times when asked for `verbose_json`.

    `hints` is the field for words that are likely to be said: `keywords` is a list of them,
    `prompt` a text that Whisper takes for what was said before.
    """

    base_url: str | None
    model: str
    verbose: bool
    hints: Literal["keywords", "prompt"]
    third_party: bool


PROFILES: Final = {
    "openai": Profile(
        "https://api.openai.com/v1",
        "gpt-transcribe",
        verbose=False,
        hints="keywords",
        third_party=True,
    ),
    "groq": Profile(
        "https://api.groq.com/openai/v1",
        "whisper-large-v3-turbo",
        verbose=True,
        hints="prompt",
        third_party=True,
    ),
    # Run by whoever runs us; they have no address of their own.
    "speaches": Profile(
        None,
        "Systran/faster-distil-whisper-small.en",
        verbose=True,
        hints="prompt",
        third_party=False,
    ),
    "vllm": Profile(
        None, "openai/whisper-large-v3-turbo", verbose=True, hints="prompt", third_party=False
    ),
    "localai": Profile(None, "whisper-1", verbose=True, hints="prompt", third_party=False),
}

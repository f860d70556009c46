"""What somebody reads who has set a variable wrongly."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import Misconfigured
from core.misread import told_by_variable
from core.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PORT = "VOICETODO_API_PORT"
NO_LIST = 'is not a JSON list, which looks like this: ["one", "two"]'
NOT_A_PORT = f"{PORT} is 'abc': it should be a valid integer, unable to parse string as an integer"


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({PORT: "abc"}, NOT_A_PORT),
        ({PORT: "0"}, f"{PORT} is '0': it should be greater than or equal to 1"),
        (
            {"VOICETODO_PROFILE": "prod", "VOICETODO_LANES": "0"},
            (
                "VOICETODO_PROFILE is 'prod': it should be 'dev' or 'production'\n"
                "VOICETODO_LANES is '0': it should be greater than or equal to 1"
            ),
        ),
        (
            {"VOICETODO_CORS_ORIGINS": "http://x"},
            f"VOICETODO_CORS_ORIGINS {NO_LIST}",
        ),
        (
            {"VOICETODO_OLDER_ENCRYPTION_KEYS": "s3cret"},
            f"VOICETODO_OLDER_ENCRYPTION_KEYS {NO_LIST}",
        ),
        (
            {"VOICETODO_TRANSCRIBERS": "ears"},
            "VOICETODO_TRANSCRIBERS is `none`, or made of embedded, openai, deepgram, each once",
        ),
        (
            {"VOICETODO_GOOGLE_CLIENT_ID": "x"},
            "VOICETODO_GOOGLE_CLIENT_ID and VOICETODO_GOOGLE_CLIENT_SECRET go together",
        ),
    ],
)
def test_each_wrong_variable_is_named(
    environment: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Misconfigured) as refused, told_by_variable():
        Settings(_env_file=None)
    assert refused.value.detail == said


@pytest.mark.parametrize(
    "command",
    [
        ["worker.py"],
        ["-m", "core.migrate"],
        ["-m", "uvicorn", "api.main:app"],
        ["-m", "api.cli", "up"],
        ["-m", "api.cli", "list"],
    ],
    ids=" ".join,
)
def test_every_process_says_it_in_one_line(command: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, PORT: "abc"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {1, 2}
    assert (done.stdout, done.stderr) == ("", f"{NOT_A_PORT}\n")

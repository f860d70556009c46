"""`voicetodo say | answer`, and what `voicetodo voice` tells of it."""

import io
import os
from pathlib import Path
from typing import Any

import pytest

from tests.commanding import Run
from tests.terminals import talk


def titles(run: Run) -> list[str]:
    return sorted(todo["title"] for todo in run("list", "--json").document["data"])


def lines(shown: str) -> list[str]:
    return [" ".join(line.split()) for line in shown.splitlines() if line.strip()]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            "remind me to call mom tomorrow at 5",
            "✔ Added “call mom”: due tomorrow 17:00 ⏰",
        ),
        (
            "erinnere mich morgen um 17 Uhr an die Blumen",
            "✔ Added “die Blumen”: due tomorrow 17:00 ⏰",
        ),
        (
            "recuérdame comprar leche mañana a las 9",
            "✔ Added “comprar leche”: due tomorrow 09:00 ⏰",
        ),
        (
            "add stamps to my errands list, high priority",
            "✔ Added “stamps”: high priority, in errands",
        ),
    ],
)
def test_does_what_is_said_and_undoes_it(alice: Run, words: str, told: str) -> None:
    said = alice("say", *words.split())
    assert said.code == 0, said.err
    assert (said.code, lines(said.out)) == (0, [told, "`voicetodo undo` takes it back."])
    assert len(titles(alice)) == 1
    assert alice("undo").code == 0
    assert titles(alice) == []


def test_tells_how_it_repeats(alice: Run) -> None:
    said = alice("say", "water the plants every friday at 9")
    assert "every Friday at 09:00" in said.out
    assert "due Fri" in said.out or "due tomorrow" in said.out or "due today" in said.out


def test_asks_and_takes_the_answer_of_another_command(alice: Run) -> None:
    asked = alice("say", "milk")
    assert asked.code == 4
    question, how = lines(asked.out)
    assert question == "Add “milk”?"
    command_id = how.split("`voicetodo answer ")[1].split()[0]
    assert titles(alice) == []
    done = alice("answer", command_id, "ja")
    assert (done.code, lines(done.out)[0]) == (0, "✔ Added “milk”")
    assert titles(alice) == ["milk"]
    assert alice("undo").code == 0
    assert titles(alice) == []


def test_without_an_id_the_last_question_is_answered(alice: Run) -> None:
    nothing = alice("answer", "yes")
    assert (nothing.code, nothing.err) == (1, "nothing is asked at the moment\n")
    for words in ("milk", "bread"):
        assert alice("say", words).code == 4
    assert alice("answer", "no").out == "Left as it is.\n"
    assert alice("answer", "yes").code == 0
    assert titles(alice) == ["milk"]


def test_several_are_told_apart_by_their_number_or_their_title(alice: Run) -> None:
    for title in ("call bob", "call bill", "write to bob"):
        alice("add", title)
    asked = alice("say", "complete call")
    shown = lines(asked.out)
    assert (asked.code, shown[0]) == (4, "Which one do you mean?")
    assert sorted(shown[1:3]) == ["1 call bob", "2 call bill"] or sorted(shown[1:3]) == [
        "1 call bill",
        "2 call bob",
    ]
    assert alice("answer", "3").code == 1
    assert alice("answer", "yes").code == 1
    second = shown[2].removeprefix("2 ")
    assert f"Done: “{second}”" in alice("answer", "2").out
    assert alice("say", "complete the unicorn").code == 4
    assert "Done: “write to bob”" in alice("answer", "write to").out


def test_yes_may_be_said_ahead_but_chooses_nothing(alice: Run) -> None:
    alice("add", "call bob")
    alice("add", "call bill")
    assert alice("say", "--yes", "complete call").code == 4
    assert alice("say", "--yes", "delete call bob").code == 0
    assert titles(alice) == ["call bill"]
    assert alice("undo").code == 0
    assert titles(alice) == ["call bill", "call bob"]


def test_what_is_only_asked_is_not_the_next_thing_to_undo(alice: Run) -> None:
    assert alice("add", "bread").code == 0
    assert alice("say", "milk").code == 4
    assert alice("say", "what is due today?").code == 0
    assert alice("undo").code == 0
    assert titles(alice) == []


def test_small_talk_does_nothing(alice: Run) -> None:
    said = alice("say", "good morning")
    assert (said.code, said.out) == (0, "There is nothing to do in that.\n")


def test_tells_another_name(alice: Run) -> None:
    alice("add", "call bob")
    said = alice("say", "rename call bob to write to bob")
    assert lines(said.out)[0] == "✔ Changed “write to bob”: renamed"


def test_tries_in_another_time(alice: Run) -> None:
    words = ("remind me to call mom tomorrow at 5", "--now", "2030-01-01 10:00")
    assert alice("say", *words).code == 2
    tried = alice("say", "--dry-run", *words)
    assert lines(tried.out) == ["~ Would add “call mom”: due 2 Jan 2030 17:00"]
    assert titles(alice) == []


def test_reads_words_from_a_pipe(alice: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("add eggs and buy milk\n"))
    document: Any = alice("say", "-", "--json").document
    assert document["undo_token"]
    assert document["executed"]


def test_refusals(alice: Run) -> None:
    refused = alice("say", "milk", "--language", "xx")
    assert (refused.code, "GET /voice/languages" in refused.err) == (1, True)
    assert alice("say", "milk", "--session", "nowhere").code == 1
    assert alice("answer", "a", "b", "c").code == 2
    alice("say", "milk")
    unknown = alice("answer", "ffffffff", "yes")
    assert (unknown.code, "voice history" in unknown.err) == (1, True)


def test_asks_on_a_terminal_until_it_is_answered(alice: Run, api: str, tmp_path: Path) -> None:
    alice("add", "call bob")
    env = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "VOICETODO_API_URL": api}
    code, shown = talk(
        ["say", "delete", "call", "bob"],
        ("yes or no:", "perhaps"),
        ("yes or no:", "7"),
        ("yes or no:", "y"),
        env=env,
    )
    assert code == 0, shown
    assert "begins with 'perhaps'" in shown
    assert "the number of a candidate" in shown
    assert "Deleted “call bob”" in shown
    assert titles(alice) == []
    code, shown = talk(["say", "milk"], ("yes or no:", "\x04"), env=env)
    assert code == 4, shown
    assert "voicetodo answer" in shown


def test_looks_back(alice: Run) -> None:
    assert "Nothing was said" in alice("voice", "history").out
    alice("say", "remind me to call mom tomorrow at 5")
    alice("say", "milk")
    listed = alice("voice", "history")
    assert all(word in listed.out for word in ("milk", "asked", "call mom", "done"))
    newest, older = alice("voice", "history", "--json").document["data"]
    assert (newest["transcript"], newest["outcome"]) == ("milk", "asked")
    end = older["id"].replace("-", "")[-8:]
    assert end in listed.out
    assert alice("voice", "forget", end).code == 0
    assert "call mom" not in alice("voice", "history").out
    assert titles(alice) == ["call mom"]
    missing = alice("voice", "forget", "ffffffff")
    assert (missing.code, missing.out) == (1, "")
    [session] = alice("voice", "sessions", "--json").document["data"]
    assert session["id"] in alice("voice", "sessions").out
    counted = lines(alice("voice", "stats").out)
    assert "commands 2" in counted
    assert "intent create 2" in counted
    assert "Deutsch" in alice("voice", "languages").out
    assert "Nothing was recorded" in alice("voice", "recordings").out


def test_agrees_and_withdraws(alice: Run) -> None:
    consent = ("voice", "consent")
    assert lines(alice(*consent).out) == ["transcription: not given", "understanding: not given"]
    assert "transcription: given, " in alice(*consent, "--give", "transcription").out
    told = alice(*consent, "--give", "understanding", "--withdraw", "transcription").out
    assert "may be sent, as text, to an outside language model" in told
    assert "recordings may be sent" not in told
    assert ("transcription: not given, " in told, "understanding: given, " in told) == (True, True)
    both = alice(*consent, "--give", "understanding", "--withdraw", "understanding")
    assert both.code == 2

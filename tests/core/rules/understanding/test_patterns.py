"""How phrases of a lexicon become patterns: options, what may be missing, wrong brackets."""

import pytest

from core.rules.understanding.pattern_parts import BadPatternError
from core.rules.understanding.patterns import Compiler

ENGLISH = Compiler(spaced=True, choices={"done": ["done", "finished"]})


@pytest.mark.parametrize(
    ("phrase", "said", "fits"),
    [
        ("(add|put [down]) {title}", "add milk ", True),
        ("(add|put [down]) {title}", "put down milk ", True),
        ("(add|put [down]) {title}", "down milk ", False),
        ("mark|tick [it] off", "mark ", True),
        ("mark|tick [it] off", "tick it off ", True),
        ("mark|tick [it] off", "mark it off ", False),
        ("([the (first|last)] one|it) is {done}", "the last one is finished ", True),
        ("([the (first|last)] one|it) is {done}", "it is done ", True),
        ("([the (first|last)] one|it) is {done}", "the it is done ", False),
    ],
)
def test_options_and_what_may_be_missing(phrase: str, said: str, *, fits: bool) -> None:
    pattern = ENGLISH.pattern(phrase, name="any", order=0)
    assert (pattern.regex.match(said) is not None) == fits


def test_words_that_it_begins_and_ends_with() -> None:
    first = ENGLISH.pattern("[please] (add|put) {title} [now]", name="any", order=0)
    last = ENGLISH.pattern("{title} is {done}", name="any", order=0)
    assert first.firsts == frozenset({"please", "add", "put"})
    assert first.lasts is None
    assert last.firsts is None
    assert last.lasts == frozenset({"done", "finished"})


def test_what_options_end_in_alike_is_written_once() -> None:
    pattern = ENGLISH.pattern("(put (it|that) off|do (it|that)|leave (it|that))", name="", order=0)
    assert pattern.source.count("that") == len(["behind put", "behind do and leave"])
    for said in ("put that off ", "do it ", "leave that "):
        assert pattern.regex.match(said), said
    assert not pattern.regex.match("put that ")


@pytest.mark.parametrize(
    "phrase",
    [
        "(add {title}",
        "add) {title}",
        "(add] {title}",
        "[(add]) {title}",
        "add ()) {title}",
        "add {title} {title}",
        "add {nothing}",
    ],
)
def test_what_cannot_be_read_is_told(phrase: str) -> None:
    with pytest.raises(BadPatternError):
        ENGLISH.pattern(phrase, name="any", order=0)

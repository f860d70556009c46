"""README.md and docs/: what they show works word for word, or says why nobody ran it."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.docs.newcomer import Newcomer, newcomer
from tests.docs.pages import COMMANDS, QUERY, ROOT, Block, blocks, missing, pages

SHOWN = {COMMANDS, QUERY, "http", "js", "python", "text", "toml", "yaml"}
# Pages for other readers than the README's: a shell and an account of their own.
ALONE = {"docs/webhooks.md"}
PATIENCE_S = 300.0  # for a page, on a machine that has other things to do
_PROGRAMS = re.compile(r"^ {4}(voicetodo|make|curl|python3?|psql|export|temporal) ", re.MULTILINE)


def every() -> list[Block]:
    return [block for page in pages() for block in blocks(page)]


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_command_hides_from_the_walk(page: Path) -> None:
    """Neither behind another language or by indenting it, nor by a mark that marks nothing."""
    text, found = page.read_text(encoding="utf-8"), blocks(page)
    assert {block.language for block in found} <= SHOWN
    assert not _PROGRAMS.search(re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL))
    marked = [block for block in found if block.mark]
    assert len(marked) == len(re.findall(r"<!-- *(?:not run|slow)\b", text))
    assert all(block.language in {COMMANDS, QUERY} and block.reason for block in marked)


def test_the_walk_sees_what_is_printed_in_its_turn() -> None:
    assert missing(("a…c", "d"), "x\nabc \nd\n") is None
    assert missing(("d", "a…c"), "x\nabc\nd\n") == "a…c"
    assert missing(("ab",), "abc\n") == "ab"


def walk(where: Newcomer, blocks: list[Block], *, warm: bool) -> list[str]:
    """What went wrong, in sentences."""
    commands = [block for block in blocks if block.language == COMMANDS]
    told = where.shell(commands, PATIENCE_S, warm=warm)
    wrong = []
    for block in blocks:
        if block.language == QUERY:
            where.query(block.text)
        elif block not in told:
            wrong.append(f"{block} was not reached")
        elif told[block].failed:
            wrong.append(f"{block} failed:\n{told[block].text}")
        elif line := missing(block.printed, told[block].text):
            wrong.append(f"{block} does not print {line!r}:\n{told[block].text}")
    return wrong


def walked(*, slow: bool) -> list[str]:
    run = [
        block
        for block in every()
        if block.language in {COMMANDS, QUERY}
        and (not block.mark or (slow and block.mark == "slow"))
    ]
    walks = [[block for block in run if block.page not in ALONE]]
    walks += [[block for block in run if block.page == page] for page in sorted(ALONE)]
    with newcomer() as where, ThreadPoolExecutor(len(walks)) as pool:
        wrong = pool.map(lambda blocks: walk(where, blocks, warm=not slow), walks)
        return [each for page in wrong for each in page]


def test_the_pages_go_word_for_word() -> None:
    wrong = walked(slow=False)
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.long
def test_the_pages_go_word_for_word_with_all_their_waiting() -> None:
    wrong = walked(slow=True)
    assert not wrong, "\n\n".join(wrong)

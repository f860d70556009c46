"""What becomes of words once they are there, whatever went meanwhile."""

from temporalio.testing import ActivityEnvironment

from activities.memos import ACCOUNT_CLOSED
from core.ids import uuid7
from core.services.memo_processing import Ending
from tests.activities.studios import ask, decoder, listen, said, studio
from tests.memos import MILK, Said, Studio
from tests.recordings import recording

__all__ = ["decoder", "said", "studio"]  # fixtures


async def test_the_session_it_was_said_in_may_be_gone(studio: Studio, said: Said) -> None:
    said.script(MILK)
    message = await studio.record(recording("milk.webm"))
    gone, memo_id = uuid7(), studio.memo(message)["id"]
    studio.at.run("UPDATE voice_memos SET session_id = %s WHERE id = %s", gone, memo_id)
    await listen(studio, message)
    await ask(studio, message)
    assert await ActivityEnvironment().run(studio.steps.understand, message) is Ending.DONE
    assert studio.memo(message)["status"] == "done"


async def test_of_an_account_that_was_closed_nothing_is_done(studio: Studio, said: Said) -> None:
    said.script(MILK)
    message = await studio.record(recording("milk.webm"))
    await listen(studio, message)
    await ask(studio, message)
    studio.at.run("UPDATE users SET status = 'disabled' WHERE id = %s", studio.at.user_id)
    assert await ActivityEnvironment().run(studio.steps.understand, message) is Ending.FAILED
    assert studio.memo(message)["problem"] == ACCOUNT_CLOSED
    assert studio.at.rows("SELECT id FROM todos WHERE workspace_id = %s", studio.at.user_id) == []

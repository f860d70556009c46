"""Gathers the e-mails of one moment into one call of the vendor.

Nobody waits for company: an e-mail that comes while none is on its way goes at once, with those
that came in the same turn of the event loop. While calls are under way there is more to come, and
a few milliseconds gather it. What a call came to is everybody's in it: an answer that was lost
leaves all of them in doubt. Only a call that was refused for something in it is made again, one by
one, so that what is wrong with one e-mail fails alone.
"""

import asyncio
from typing import Final

from activities.channels import LONGEST
from core.errors import VendorError
from integrations import sendgrid_batch
from integrations.sendgrid import Email, SendGrid
from integrations.sendgrid_batch import Part

GATHER_S: Final = 0.005

Waiting = tuple[Part, asyncio.Future[str | None]]


class EmailBatches:
    """In front of `SendGrid`, and like it; `most` e-mails in a call."""

    def __init__(self, sendgrid: SendGrid, *, most: int, gather_s: float = GATHER_S) -> None:
        self._sendgrid = sendgrid
        self._most = most
        self._gather_s = gather_s
        self._waiting: list[Waiting] = []
        self._gathering = False
        self._tasks: set[asyncio.Task[None]] = set()  # the loop itself keeps no hold of them
        self._under_way = 0

    async def send(self, mail: Email) -> str:
        """As `SendGrid.send`. Cancelled before its call began, the e-mail does not go out."""
        part = sendgrid_batch.part(mail)
        if part is not None:
            sent = await self._together(part)
            if sent is not None:
                return sent
        # In the task, and so in the time and under the lease, of whoever asked.
        return await self._sendgrid.send(mail)

    async def _together(self, part: Part) -> str | None:
        """None: it is to be sent by itself."""
        answered: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((part, answered))
        if not self._gathering:
            self._gathering = True
            self._begin(self._gather())
        return await answered

    async def _gather(self) -> None:
        await asyncio.sleep(self._gather_s if self._under_way else 0)
        waiting = [each for each in self._waiting if not each[1].done()]
        self._waiting.clear()
        self._gathering = False
        for several in sendgrid_batch.calls(waiting, most=self._most):
            if len(several) == 1:
                _settle(several, None)
            else:
                self._begin(self._call(several))

    async def _call(self, several: list[Waiting]) -> None:
        self._under_way += 1
        try:
            # Not longer than those who wait for it hold their leases.
            async with asyncio.timeout(LONGEST.total_seconds()):
                sent = await sendgrid_batch.send_many(self._sendgrid, [part for part, _ in several])
        except TimeoutError:
            error = VendorError("no answer in time", permanent=False, ambiguous=True)
            _settle(several, error)
        except Exception as error:  # noqa: BLE001 - also one of ours is theirs to report
            _settle(several, error)
        else:
            _settle(several, sent)
        finally:
            self._under_way -= 1

    def _begin(self, work: "asyncio._CoroutineLike[None]") -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _settle(several: list[Waiting], came: str | Exception | None) -> None:
    for _, answered in several:
        if answered.done():  # whoever asked was cancelled
            continue
        if isinstance(came, Exception):
            answered.set_exception(came)
        else:
            answered.set_result(came)

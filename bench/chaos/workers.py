"""F4: workers are killed in the middle of sending, one after the other.

Some die at a fault point, the others at a random moment at which a send is under way. Meanwhile
reminders fall due all the time, and their vendor is slow and now and then refuses one,
so that there are first attempts and retries to be killed in.
"""

import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from random import Random

from bench.chaos.mailing import Mailing
from bench.chaos.report import Report
from bench.chaos.stack import Process, Stack

ANY_MOMENT = ""
FIRST_ATTEMPTS = (ANY_MOMENT, "reminder_after_begin", "reminder_after_send")
ALL = (*FIRST_ATTEMPTS, ANY_MOMENT, "delivery_before_send", "delivery_after_send")
FEED_EVERY_S = 2.0
LIVES_S = (3.0, 8.0)
LONGEST_LIFE_S = 20.0  # then one that has not met its fault dies at any moment
DRAIN_S = 420.0  # one that was refused and killed in turn waits minutes for its next attempt
SLOW: dict[str, object] = {"delay_ms": 150, "times": 1_000_000}
REFUSED: dict[str, object] = {"status": 503}
REFUSED_SHARE = 0.3  # of the feeds


@dataclass(slots=True)
class _Doomed:
    process: Process
    dies_at: float  # when it did not meet its fault by then


def killed(
    stack: Stack,
    kills: int,
    rng: Random,
    *,
    faults: Sequence[str] = ALL,
    at_a_time: int = 4,
    lanes: int = 8,
    by: type[Mailing] = Mailing,
    told: bool = False,
) -> Report:
    """By e-mail, or `by` another channel, where what is sent twice must not be seen twice.

    `told`: the mail service says what became of each e-mail; then none comes twice, either.
    """
    report = Report(f"{by.trial} told" if told else by.trial)
    stack.environment["VOICETODO_LANES"] = str(lanes)
    stack.temporal.start()
    if told:
        stack.listening_api()
    stack.sandbox()
    mailing = by(stack)
    began = time.monotonic()

    def feed() -> None:
        refusals = [REFUSED] if rng.random() < REFUSED_SHARE else []
        stack.script(*(each | mailing.vendor for each in (*refusals, SLOW)))
        _feed(mailing, rng, lanes)

    plan = islice(cycle(faults), kills)
    ended = kill(stack, rng, plan, at_a_time, feed=feed, busy=stack.is_sending, report=report)
    stack.script(SLOW | mailing.vendor)
    for _ in range(2):
        stack.worker()
    took = mailing.until_over(DRAIN_S)
    mailing.judge(report)
    total = time.monotonic() - began
    report.kills = len(ended)
    report.figure = (
        f"at {len(set(faults) - {ANY_MOMENT})} fault points and at any moment; "
        f"all delivered {took:.0f} s after the last one; {total:.0f} s"
    )
    return report


def kill(
    stack: Stack,
    rng: Random,
    faults: "islice[str]",
    at_a_time: int,
    *,
    feed: Callable[[], None],
    busy: Callable[[], bool],
    report: Report,
    lives_s: tuple[float, float] = LIVES_S,
) -> list[datetime]:
    """Kill as many workers as there are `faults`; when each of them was found dead.

    `feed` gives them work, again and again; `busy` says whether a kill would hit somebody;
    `lives_s` is how long those live, from and to, who die at any moment.
    """
    doomed: list[_Doomed] = []
    ended: list[datetime] = []
    next_feed = 0.0
    while True:
        if time.monotonic() >= next_feed:
            next_feed = time.monotonic() + FEED_EVERY_S
            feed()
        for each in list(doomed):
            overdue = time.monotonic() >= each.dies_at
            if overdue and not each.process.dead and busy():
                each.process.kill()
            if each.process.dead:
                doomed.remove(each)
                ended.append(datetime.now(UTC))
                code = each.process.popen.returncode
                report.demand(code == -signal.SIGKILL, f"a worker ended by itself: {code}")
        for fault in islice(faults, at_a_time - len(doomed)):
            life = rng.uniform(*lives_s) if fault == ANY_MOMENT else LONGEST_LIFE_S
            process = stack.worker(**({"FAULT": f"{fault}:kill"} if fault else {}))
            doomed.append(_Doomed(process, time.monotonic() + life))
        if not doomed:
            return ended
        time.sleep(0.05)


def _feed(mailing: Mailing, rng: Random, lanes: int) -> None:
    now = datetime.now(UTC)
    for lane in range(lanes):
        mailing.write([now + timedelta(seconds=rng.uniform(0.5, 4))], lane=lane)

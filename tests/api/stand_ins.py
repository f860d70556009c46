"""A supervisor over stand-in parts, run as a program so that tests can kill it.

`python stand_ins.py journal FILE [guarded] [stubborn] [broken]`: three parts a, b, c that write
what happens to them into FILE. `python stand_ins.py servers`: the real servers, nothing else.
"""

import asyncio
import os
import sys
from pathlib import Path

from api.supervisor import Part, Supervisor
from api.up import environment, parts
from core.errors import Misconfigured
from core.settings import Settings, settings

CHILD = """
import os, signal, sys, time
name, journal, *flags = sys.argv[1:]
def write(event):
    with open(journal, "a") as file:
        file.write(f"{name} {event} {os.getpid()} {time.monotonic()}\\n")
def stop(*_):
    write("stopped")
    if "stubborn" not in flags:
        sys.exit(0)
signal.signal(signal.SIGTERM, stop)
if "guarded" in flags and sys.platform == "linux":
    import ctypes
    ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)  # forget the kernel's promise, to see the guard at work
if "broken" in flags and name == "b":
    print("the disk is on fire", flush=True)
    sys.exit(3)
write("started")
while True:
    time.sleep(60)
"""


def journal_parts(journal: Path, flags: list[str]) -> list[Part]:
    def part(name: str, *after: str) -> Part:
        async def ready() -> bool:
            text = await asyncio.to_thread(journal.read_text)
            return f"{name} started" in text

        command = (sys.executable, "-IS", "-c", CHILD, name, str(journal), *flags)
        return Part(name, command, after=after, ready=ready)

    return [part("a"), part("b", "a"), part("c", "b")]


def main(mode: str, *arguments: str) -> None:
    guarded = "guarded" in arguments
    env = dict(os.environ)
    if mode == "servers":
        chosen: Settings = settings()
        env = environment(chosen)
        wanted = [part for part in parts(chosen) if part.name in ("postgres", "temporal")]
    else:
        wanted = journal_parts(Path(arguments[0]), list(arguments[1:]))
    supervisor = Supervisor(wanted, env=env, log=show, note=show, guarded=guarded)
    try:
        asyncio.run(supervisor.run(lambda: show("all", "ready")))
    except Misconfigured as error:
        sys.exit(error.detail)


def show(name: str, line: str) -> None:
    sys.stdout.write(f"{name}: {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])

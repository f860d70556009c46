"""A real Chromium, spoken to over the DevTools protocol through two pipes: no port, no library."""

import asyncio
import fcntl
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final

import orjson
import pytest

from tests.patience import PATIENCE_S, until

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
END: Final = b"\0"
FROM_FD: Final = 3  # where Chromium reads commands, and
TO_FD: Final = 4  # where it answers


def path() -> str | None:
    return next((found for name in NAMES if (found := shutil.which(name))), None)


NEEDED: Final = pytest.mark.skipif(
    path() is None, reason="no Chromium here: `apt install chromium` lets this test run"
)


@dataclass(slots=True)
class Browser:
    """`call` commands it; what it tells by itself is in `events`, oldest first."""

    writer: int
    answers: dict[int, asyncio.Future[dict[str, Any]]] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    nth: int = 0

    async def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        self.nth += 1
        message: dict[str, Any] = {"id": self.nth, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        future = asyncio.get_running_loop().create_future()
        self.answers[self.nth] = future
        os.write(self.writer, orjson.dumps(message) + END)
        async with asyncio.timeout(PATIENCE_S):
            answer = await future
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        result: dict[str, Any] = answer["result"]
        return result

    async def evaluate(self, session: str, expression: str) -> Any:
        """The value of a script, awaited, with the rights of a click."""
        found = await self.call(
            "Runtime.evaluate",
            session,
            expression=expression,
            awaitPromise=True,
            returnByValue=True,
            userGesture=True,
        )
        if "exceptionDetails" in found:
            raise RuntimeError(found["exceptionDetails"])
        return found["result"].get("value")

    def heard(self, line: bytes) -> None:
        message = orjson.loads(line)
        if "id" in message:
            self.answers.pop(message["id"]).set_result(message)
        else:
            self.events.append(message)


@dataclass(slots=True)
class Tab:
    chrome: Browser
    session: str

    async def see(self, text: str) -> None:
        """Once the page says so."""
        await self.wait(f"document.body && document.body.innerText.includes({text!r})")

    async def wait(self, script: str) -> None:
        """Until it is true."""

        async def holds() -> bool:
            try:
                return bool(await self.run(script))
            except RuntimeError:  # it goes to another page at this moment
                return False

        await until(holds)

    async def run(self, script: str) -> Any:
        return await self.chrome.evaluate(self.session, script)

    async def click(self, text: str) -> None:
        """The first link, button or summary that says so, once there is one."""
        found = (
            "[...document.querySelectorAll('a, button, summary')]"
            f".find(each => each.innerText.includes({text!r}))"
        )
        await self.wait(f"{found} !== undefined")
        await self.run(f"{found}.click()")


async def opened(chrome: Browser, url: str) -> Tab:
    """A tab of its own, at this address."""
    target = await chrome.call("Target.createTarget", url=url)
    attached = await chrome.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
    return Tab(chrome, attached["sessionId"])


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """It and its profile are gone when the block ends."""
    executable = path()
    assert executable
    to_browser, writer = os.pipe()
    reader, from_browser = os.pipe()

    def give_pipes() -> None:
        # Out of the way first: one of ours may have the number of one of its own.
        kept = (
            fcntl.fcntl(to_browser, fcntl.F_DUPFD, 10),
            fcntl.fcntl(from_browser, fcntl.F_DUPFD, 10),
        )
        os.dup2(kept[0], FROM_FD)
        os.dup2(kept[1], TO_FD)

    with tempfile.TemporaryDirectory(prefix="vt-chromium-", ignore_cleanup_errors=True) as folder:
        process = await asyncio.create_subprocess_exec(
            executable,
            "--headless=new",
            "--remote-debugging-pipe",
            "--no-sandbox",  # it does not run as root with its own
            "--no-first-run",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            f"--user-data-dir={folder}",
            "--window-size=1100,900",
            "about:blank",
            close_fds=False,
            preexec_fn=give_pipes,
            env={**os.environ, "HOME": folder},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        browser = Browser(writer)
        stream = asyncio.StreamReader(limit=2**26)
        loop = asyncio.get_running_loop()
        with _file(reader) as pipe:
            transport, _ = await loop.connect_read_pipe(
                lambda: asyncio.StreamReaderProtocol(stream), pipe
            )
            listening = asyncio.create_task(_listen(stream, browser))
            try:
                yield browser
            finally:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
                os.close(writer)
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)
                transport.close()


def _file(descriptor: int) -> BinaryIO:
    return os.fdopen(descriptor, "rb", buffering=0)


async def _listen(stream: asyncio.StreamReader, browser: Browser) -> None:
    with suppress(asyncio.IncompleteReadError):
        while True:
            browser.heard((await stream.readuntil(END))[:-1])

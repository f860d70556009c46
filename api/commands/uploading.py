"""A recording on its way to the server: what arrived before a break is not sent again."""

import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import httpx2
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from api.commands.client import Client, Refused, Unreachable

MOST: Final = 25 * 1024 * 1024  # bytes: what the server takes
PIECE: Final = 64 * 1024
BREAKS: Final = 5  # in a row, without a byte that arrived
FIRST_PAUSE_S: Final = 0.4
NEEDS_CONSENT: Final = ":consent-required"
PART: Final = "application/offset+octet-stream"
_PASSING: Final = {httpx2.codes.REQUEST_TIMEOUT, httpx2.codes.CONFLICT}


def send(client: Client, audio: bytes, about: dict[str, Any]) -> dict[str, Any]:
    """The job of the memo. `about` is sent with it: capture_id, language and so on.

    Goes on where it broke, now or in an earlier call with the same capture_id. Raises
    `Unreachable` after a few breaks without progress; calling it again goes on then, too.
    """
    upload = _begun(client, len(audio), about)
    path, breaks, pause = f"/voice/uploads/{upload['id']}", 0, FIRST_PAUSE_S
    console = Console(stderr=True)
    with Progress(
        TextColumn("sending"),
        BarColumn(bar_width=24),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        task = progress.add_task("", total=len(audio))

        def sent(count: int) -> None:
            progress.update(task, completed=count)

        while upload["memo_id"] is None:
            offset = upload["offset"]
            headers = {"Content-Type": PART, "Upload-Offset": str(offset)}
            headers["Content-Length"] = str(len(audio) - offset)
            rest = _rest(audio, offset, sent)
            try:
                job: dict[str, Any] | None = client.send(
                    "PATCH", path, rest, headers=headers, undoable=False
                ).body
                if job is not None:
                    return job
            except (Unreachable, Refused) as error:
                if isinstance(error, Refused) and error.problem["status"] not in _PASSING:
                    raise
                breaks += 1
                if breaks >= BREAKS:
                    told = f"{offset} of {len(audio)} bytes have arrived"
                    again = "the same command sends the rest"
                    raise Unreachable(f"{error.detail} {told}: {again}") from error
                time.sleep(pause)
                pause *= 2
            upload = client.get(path)
            if upload["offset"] > offset:
                breaks, pause = 0, FIRST_PAUSE_S
    memo = client.get(f"/voice/memos/{upload['memo_id']}")
    known: dict[str, Any] = client.get(f"/jobs/{memo['job_id']}")
    return known


def _begun(client: Client, length: int, about: dict[str, Any]) -> dict[str, Any]:
    headers = {"Upload-Length": str(length)}
    try:
        sent = client.send("POST", "/voice/uploads", about, headers=headers, undoable=False)
    except Refused as error:
        if not error.problem.get("type", "").endswith(NEEDS_CONSENT):
            raise
        agree = "`voicetodo voice consent --give transcription` agrees to that."
        problem = {**error.problem, "detail": f"{error.problem['detail']}; {agree}"}
        raise Refused(problem) from error
    upload: dict[str, Any] = sent.body
    return upload


def _rest(audio: bytes, offset: int, sent: Callable[[int], None]) -> Callable[[], Iterator[bytes]]:
    def pieces() -> Iterator[bytes]:
        for at in range(offset, len(audio), PIECE):
            yield audio[at : at + PIECE]
            sent(min(at + PIECE, len(audio)))

    return pieces

"""Where deliveries reach a developer's machine: through the sandbox, or on a port of it."""

import json
import queue
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_hex
from typing import Any, ClassVar, Final

import httpx2

from api.commands import webhook_signatures
from api.commands.client import Client, Unreachable, has_tls

ENDPOINTS: Final = "/webhook-endpoints"
DESCRIPTION: Final = "voicetodo webhooks listen"
LOOPBACK: Final = "127.0.0.1"
POLL_S: Final = 0.2
TIMEOUT_S: Final = 10.0
MAX_BODY: Final = 1024 * 1024
PASSED_ON: Final = ("content-type", "webhook-id", "webhook-timestamp", "webhook-signature")


@dataclass(frozen=True, slots=True)
class Delivery:
    """`fault` says why it is not to be believed; null if it is genuine."""

    headers: dict[str, str]  # names in lower case
    body: bytes
    fault: str | None

    @property
    def payload(self) -> Any:
        """The JSON; the text where it is none."""
        text = self.body.decode("utf-8", "replace")
        try:
            return json.loads(text)
        except ValueError:
            return text


@contextmanager
def ending() -> Iterator[threading.Event]:
    """Being stopped or interrupted is how listening ends: nothing more, and cleaned up behind.

    The event tells the same: an exception that comes up in a finalizer is printed and forgotten.
    """
    over = threading.Event()

    def end(*_: object) -> None:
        over.set()
        raise KeyboardInterrupt

    before = {each: signal.signal(each, end) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield over
    except KeyboardInterrupt:
        pass
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextmanager
def at_sandbox(
    client: Client,
    sandbox: str,
    body: dict[str, Any],
    workspace: dict[str, str],
    over: threading.Event,
) -> Iterator[Iterator[Delivery]]:
    """What an endpoint made for this block gets, at a receiver of the sandbox, until it is over."""
    name = f"cli-{token_hex(8)}"
    draft = {**body, "url": f"{sandbox}/hooks/{name}", "description": DESCRIPTION}
    with httpx2.Client(
        base_url=sandbox, timeout=TIMEOUT_S, trust_env=False, verify=has_tls(sandbox)
    ) as http:
        since = _ask(http, "/latest.json", {})["seq"]
        made = client.send("POST", ENDPOINTS, draft, params=workspace, undoable=False).body
        try:
            yield _tail(http, name, made["secret"], since, over)
        finally:
            client.send("DELETE", f"{ENDPOINTS}/{made['id']}", undoable=False)


@contextmanager
def at_port(port: int, key: str, over: threading.Event) -> Iterator[tuple[str, Iterator[Delivery]]]:
    """The address of a receiver on this machine, and what comes in there until it is over.

    It answers 204, or 401 to what is not signed with `key`. Raises OSError for a port in use.
    """
    came: queue.SimpleQueue[Delivery] = queue.SimpleQueue()
    server = _Server((LOOPBACK, port), _handler(came, key))
    thread = threading.Thread(target=server.serve_forever, args=(POLL_S,), daemon=True)
    with closing(server.socket):
        thread.start()
        try:
            yield f"http://{LOOPBACK}:{server.server_port}", _taken(came, over)
        finally:
            server.shutdown()
            thread.join()


def forward(delivery: Delivery, url: str) -> str:
    """Hand it on as it came; what was answered, as words."""
    headers = {name: value for name, value in delivery.headers.items() if name in PASSED_ON}
    try:
        answer = httpx2.post(
            url,
            content=delivery.body,
            headers=headers,
            timeout=TIMEOUT_S,
            trust_env=False,
            verify=has_tls(url),
        )
    except httpx2.HTTPError as error:
        return f"no answer ({type(error).__name__})"
    return str(answer.status_code)


def _tail(
    http: httpx2.Client, name: str, key: str, since: int, over: threading.Event
) -> Iterator[Delivery]:
    while not over.is_set():
        for row in _ask(http, "/ledger.json", {"vendor": "hooks", "since": since}):
            since = row["seq"]
            if row["kind"] == name:
                request = row["request"]
                yield judged(request["headers"], request["body"].encode(), key)
        time.sleep(POLL_S)


def _taken(came: "queue.SimpleQueue[Delivery]", over: threading.Event) -> Iterator[Delivery]:
    while not over.is_set():
        try:
            yield came.get(timeout=POLL_S)  # a signal interrupts no wait without an end
        except queue.Empty:
            continue


def judged(headers: Mapping[str, str], body: bytes, key: str) -> Delivery:
    named = {name.lower(): value for name, value in headers.items()}
    why = webhook_signatures.fault(key, named, body, now=time.time())
    return Delivery(named, body, why)


def _ask(http: httpx2.Client, path: str, params: dict[str, Any]) -> Any:
    try:
        answer = http.get(path, params=params)
    except httpx2.HTTPError as error:
        raise Unreachable(f"no answer from the sandbox at {http.base_url}") from error
    if not answer.is_success:
        raise Unreachable(f"{http.base_url} is no sandbox: it answered {answer.status_code}")
    return answer.json()


class _Server(ThreadingHTTPServer):
    daemon_threads = True


class _Receiver(BaseHTTPRequestHandler):
    """One request of whoever knows the address; most of the world may, behind a tunnel."""

    came: ClassVar["queue.SimpleQueue[Delivery]"]
    key: ClassVar[str]
    timeout = TIMEOUT_S  # of each read

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            self._end(411)
            return
        if len(length) > len(str(MAX_BODY)) or int(length) > MAX_BODY:
            self._end(413)
            return
        body = self.rfile.read(int(length))
        delivery = judged(dict(self.headers.items()), body, self.key)
        self._end(204 if delivery.fault is None else 401)
        self.came.put(delivery)

    def log_message(self, *_: object) -> None:
        """Say nothing: what comes in is shown by who listens."""

    def _end(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


def _handler(came: "queue.SimpleQueue[Delivery]", key: str) -> type[_Receiver]:
    class Receiver(_Receiver):
        pass

    Receiver.came, Receiver.key = came, key
    return Receiver

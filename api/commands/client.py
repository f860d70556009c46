"""The HTTP side of the command line: signs in, renews, retries, and tells refusals from outages."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final, Self
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2

from api.commands.credentials import Account, Credentials
from api.paths import V1
from core.errors import Error, Misconfigured, Rejected, Unavailable

UNDO: Final = "/undo"
STEP_UP: Final = "insufficient_user_authentication"  # RFC 9470
TRIES: Final = 3
FIRST_WAIT_S: Final = 0.4
LONGEST_WAIT_S: Final = 5.0
TIMEOUT_S: Final = 10.0
READ_TIMEOUT_S: Final = 30.0  # a busy server is not helped by being asked again
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
Bytes = Callable[[], Iterator[bytes]]  # from their beginning, each time that it is called


class Refused(Rejected):
    """The server said no; `problem` is its answer (RFC 9457)."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(_sentence(problem))
        self.problem = problem


class Unreachable(Unavailable):
    """The server does not answer, or cannot at the moment."""

    def __init__(self, detail: str, problem: dict[str, Any] | None = None) -> None:
        super().__init__(detail)
        self.problem = problem


class _Ended(Refused):
    """The refresh token is used up or revoked."""


@dataclass(frozen=True, slots=True)
class Answer:
    body: Any
    change_set: str | None


def has_tls(url: str) -> bool:
    """Whether a client has certificates to verify: reading the authorities takes longer than most
    calls to a server without.
    """
    return urlsplit(url).scheme == "https"


class Client:
    """Speaks to one server for one person. Paths leave out `/api/v1`.

    Without `credentials` nothing is kept on disk: `sign_in` holds for this object alone.
    Raises `Refused` (4xx) and `Unreachable` (no answer after three tries, 5xx).
    """

    def __init__(self, api: str, credentials: Credentials | None = None) -> None:
        self.api = api.rstrip("/")
        host = urlsplit(self.api)
        if host.scheme not in {"http", "https"} or not host.hostname:
            raise Misconfigured(
                f"{api!r} is not the address of a server: try http://127.0.0.1:8000"
            )
        self._credentials = credentials
        self._account = credentials.read(self.api) if credentials else None
        # A proxy for the world must not be asked for this machine's own servers.
        proxies = host.hostname not in _LOOPBACK
        self._http = httpx2.Client(
            base_url=self.api,
            timeout=httpx2.Timeout(TIMEOUT_S, read=READ_TIMEOUT_S),
            trust_env=proxies,
            verify=has_tls(self.api),
            headers={"User-Agent": "voicetodo-cli", "Accept": "application/json"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    @property
    def account(self) -> Account | None:
        return self._account

    def get(self, path: str, **params: Any) -> Any:
        given = {name: value for name, value in params.items() if value is not None}
        return self.send("GET", path, params=given).body

    def pages(self, path: str, **params: Any) -> Any:
        """Every element of a collection, over all its pages."""
        cursor = None
        while True:
            page = self.get(path, cursor=cursor, **params)
            yield from page["data"]
            cursor = page["next_cursor"]
            if not page["has_more"]:
                return

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        params: dict[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        undoable: bool = True,
    ) -> Answer:
        """A request as the signed-in person, renewing the sign-in when it has run out.

        A body of `Bytes` is sent once: only the caller knows how to go on after a break. `undoable`
        is false where the caller says by `remember` what there is to undo.
        """
        answer = _read(self._signed_in(method, path, body, params, headers))
        if undoable and path != UNDO:
            self.remember(answer.change_set)
        return answer

    def led_to(self, path: str) -> str:
        """Where the answer of this path (303) leads to."""
        response = self._signed_in("GET", path)
        if response.status_code != httpx2.codes.SEE_OTHER:
            raise _failure(response)
        location: str = response.headers["Location"]
        return location

    @contextmanager
    def streamed(self, location: str) -> Iterator[httpx2.Response]:
        """What is there, as it comes; asked for once, without a sign-in."""
        try:
            with self._http.stream("GET", location) as response:
                if not response.is_success:
                    response.read()
                    raise _failure(response)
                yield response
        except httpx2.TransportError as error:
            reason = str(error) or type(error).__name__
            raise Unreachable(f"{self.api} broke off ({reason})") from error

    def remember(self, change_set: str | None) -> None:
        """It is the next that `voicetodo undo` takes back."""
        if change_set and self._credentials:
            self._credentials.remember_change(self.api, change_set)

    def sign_in(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Register or log in; the account is kept. Answers the user."""
        headers = {"Idempotency-Key": str(uuid4())}
        answer = _read(self._attempt("POST", path, body, None, headers)).body
        user: dict[str, Any] = answer["user"]
        account = Account(user["email"], answer["access_token"], answer["refresh_token"])
        self._keep(account)
        return user

    def sign_out(self) -> None:
        """End the session there, and forget it here even if the server does not answer."""
        try:
            self.send("POST", "/auth/logout")
        finally:
            self._keep(None)

    def undo(self, change_set: str) -> Any:
        """Take back a change set. What that changes is not the next thing to take back."""
        body = self.send("POST", UNDO, {"change_set": change_set}).body
        if self._credentials:
            self._credentials.forget_change(self.api, change_set)
        return body

    def _keep(self, account: Account | None) -> None:
        self._account = account
        if self._credentials is None:
            return
        with self._credentials.changing() as accounts:
            accounts.pop(self.api, None)
            if account is not None:
                accounts[self.api] = account

    def _renew(self, used: Account) -> Account:
        if self._credentials is None:
            self._account = self._refreshed(used)
            return self._account
        with self._credentials.changing() as accounts:
            kept = accounts.get(self.api)
            if kept is None:
                raise _signed_out("you have signed out meanwhile: `voicetodo login`")
            # Another command may have renewed it while this one waited for the lock.
            if kept.access_token == used.access_token:
                try:
                    kept = self._refreshed(kept)
                except _Ended:
                    del accounts[self.api]
                    raise
            accounts[self.api] = self._account = kept
        return kept

    def _refreshed(self, account: Account) -> Account:
        body = {"refresh_token": account.refresh_token}
        response = self._attempt("POST", "/auth/refresh", body, None, {})
        if response.status_code == httpx2.codes.UNAUTHORIZED:
            raise _Ended(_unauthenticated("your sign-in has ended: `voicetodo login`"))
        new = _read(response).body
        return replace(
            account, access_token=new["access_token"], refresh_token=new["refresh_token"]
        )

    def _signed_in(
        self,
        method: str,
        path: str,
        body: Any = None,
        params: dict[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx2.Response:
        account = self._account
        if account is None:
            raise _signed_out("you are not signed in: `voicetodo login` or `voicetodo register`")
        sent = dict(headers or {})
        if method == "POST":
            sent["Idempotency-Key"] = str(uuid4())
        for renewed in (False, True):
            sent["Authorization"] = f"Bearer {account.access_token}"
            response = self._attempt(method, path, body, params, sent)
            final = response.status_code != httpx2.codes.UNAUTHORIZED or _steps_up(response)
            if final or renewed:
                break
            account = self._renew(account)
        return response

    def _attempt(
        self,
        method: str,
        path: str,
        body: Any,
        params: dict[str, Any] | None,
        headers: dict[str, str],
    ) -> httpx2.Response:
        """Send, and again after a passing failure: the key makes a repeated POST harmless."""
        failure: Error = Unreachable(f"no answer from {self.api}")
        wait = 0.0
        streamed = callable(body)
        for attempt in range(1 if streamed else TRIES):
            time.sleep(wait)
            wait = FIRST_WAIT_S * 4**attempt
            content: dict[str, Any] = {"content": body()} if streamed else {"json": body}
            try:
                response = self._http.request(
                    method, V1 + path, params=params, headers=headers, **content
                )
            except httpx2.TransportError as error:
                reason = str(error) or type(error).__name__
                failure = Unreachable(f"no answer from {self.api} ({reason}): is it running?")
                continue
            if response.status_code == httpx2.codes.CONFLICT and 0 < attempt < TRIES - 1:
                continue  # the attempt before has not ended there yet: the same key answers soon
            if not _soon(response):
                gone = response.status_code == httpx2.codes.NOT_FOUND
                if attempt and method == "DELETE" and gone:
                    return httpx2.Response(204)  # the lost answer of the attempt before
                return response
            failure = _failure(response)
            wait = min(max(wait, _retry_after(response)), LONGEST_WAIT_S)
        raise failure


def _steps_up(response: httpx2.Response) -> bool:
    """It wants a password; another token of the same sign-in would be refused as well."""
    return STEP_UP in response.headers.get("WWW-Authenticate", "")


def _read(response: httpx2.Response) -> Answer:
    if response.is_success:
        body = response.json() if response.content else None
        return Answer(body, response.headers.get("Change-Set"))
    raise _failure(response)


def _failure(response: httpx2.Response) -> Refused | Unreachable:
    status = response.status_code
    try:
        problem = dict(response.json())
    except ValueError:
        problem = {"type": "about:blank", "title": f"HTTP {status}", "status": status}
    if response.is_client_error:
        if status == httpx2.codes.TOO_MANY_REQUESTS:
            problem["retry_after"] = _retry_after(response)
        return Refused(problem)
    return Unreachable(_sentence(problem), problem)


def _soon(response: httpx2.Response) -> bool:
    """It would do in a moment: a part of the server is away, or it was asked a little too often."""
    if response.status_code == httpx2.codes.TOO_MANY_REQUESTS:
        return 0 < _retry_after(response) <= LONGEST_WAIT_S
    return response.status_code == httpx2.codes.SERVICE_UNAVAILABLE


def _retry_after(response: httpx2.Response) -> float:
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isdigit() else 0.0


def _sentence(problem: dict[str, Any]) -> str:
    parts = [
        f"{error['pointer']}: {error['detail']}" if error.get("pointer") else error["detail"]
        for error in problem.get("errors") or ()
    ]
    text = "; ".join(parts) or str(problem.get("detail") or problem["title"])
    if wait := problem.get("retry_after"):
        text += f" Try again in {wait:.0f} s."
    return text


def _signed_out(detail: str) -> Refused:
    return Refused(_unauthenticated(detail))


def _unauthenticated(detail: str) -> dict[str, Any]:
    kind = "urn:voicetodo:problem:unauthenticated"
    return {"type": kind, "title": "Sign in to continue", "status": 401, "detail": detail}

"""Somebody who uses the API for as long as a trial lasts: who is signed out signs in again."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import httpx2

from tests.people import API, PASSWORD, address

ZONE = "Europe/Berlin"
TIMEOUT_S = 30.0


@dataclass(slots=True)
class Owner:
    """`id` is also that of the personal workspace. Paths leave out `/api/v1`."""

    http: httpx2.Client
    email: str
    id: UUID = field(init=False)

    @classmethod
    def registered(cls, url: str, name: str) -> "Owner":
        """A new account. `url` is the API's."""
        http = httpx2.Client(base_url=url, trust_env=False, timeout=TIMEOUT_S)
        owner = cls(http, address(name))
        owner.id = UUID(owner._enter("register", timezone=ZONE)["user"]["id"])
        return owner

    def ask(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """What the API answers, whatever that is."""
        answer = self.http.request(method, API + path, **options)
        if answer.status_code == 401:
            self._enter("login")
            answer = self.http.request(method, API + path, **options)
        return answer

    def must(self, method: str, path: str, **options: Any) -> Any:
        """What it answers to what it may not refuse; null where it says nothing."""
        answer = self.ask(method, path, **options)
        if not answer.is_success:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json() if answer.content else None

    def connect(self, vendor: httpx2.Client, provider: str, account: str) -> str:
        """All the way through the sandbox's consent page; the connection's id."""
        url = self.must("POST", f"/integrations/{provider}/connect")["authorize_url"]
        asked = dict(parse_qsl(urlsplit(url).query))
        page = vendor.get(url, params={**asked, "approve": "1", "account": account})
        back = urlsplit(page.headers["location"])
        self.http.get(f"{back.path}?{back.query}").raise_for_status()
        found = self.must("GET", "/integrations")["data"]
        name = provider.replace("-", "_")
        return next(str(each["id"]) for each in found if each["provider"] == name)

    def _enter(self, way: str, **more: str) -> dict[str, Any]:
        body = {"email": self.email, "password": PASSWORD, **more}
        answer = self.http.post(f"{API}/auth/{way}", json=body).raise_for_status()
        told: dict[str, Any] = answer.json()
        self.http.headers["authorization"] = f"Bearer {told['access_token']}"
        return told

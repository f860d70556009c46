"""Google Calendar clicked through in a real browser: the whole way, as somebody new walks it."""

from urllib.parse import urlencode
from uuid import uuid4

from tests.integrations import browser
from tests.integrations.browser import opened
from tests.people import register
from tests.todos import make, read
from tests.workflows.test_calendars_whole import Place, place, until

__all__ = ["place"]  # a fixture: pytest looks for it in this module

pytestmark = browser.NEEDED

MOVE = """(() => {
  const form = document.querySelector('details[open] form');
  form.querySelector('[name=on]').value = '2030-07-02';
  form.querySelector('[name=at]').value = '07:45';
})()"""


async def test_what_is_moved_on_the_page_of_the_calendar_moves_the_todo(place: Place) -> None:
    sandbox = str(place.world.sandbox.base_url).rstrip("/")
    account = f"{uuid4().hex[:12]}@sandbox.test"
    ann = await register(place.world.http, "ann", timezone="Europe/Berlin")
    due = {"date": "2030-07-01", "time": "18:00", "timezone": "Europe/Berlin"}
    todo = await make(ann, "Water the plants", due=due)
    async with place.working(), browser.chromium() as chrome:
        asked = await place.world.begin(ann, "google-calendar")
        tab = await opened(chrome, f"{asked}&{urlencode({'account': account})}")
        await tab.see(account)
        await tab.click("Allow")
        await tab.see("Google Calendar is connected")
        assert account in await tab.run("document.body.innerText")

        week = urlencode({"account": account, "start": "2030-07-01"})
        tab = await opened(chrome, f"{sandbox}/google/calendar?{week}")
        await tab.see("Water the plants")
        assert "18:00" in await tab.run("document.body.innerText")
        await tab.click("Water the plants")
        await tab.run(MOVE)
        await tab.click("Save")
        await tab.see("07:45")

        async def moved() -> bool:
            found = (await read(ann, todo["id"]))["due"]
            return (found["date"], found["time"]) == ("2030-07-02", "07:45")

        await until(moved)
        answer = await ann.get("/integrations")
        [made] = answer.json()["data"]
        assert (made["name"], made["status"]) == (account, "active")


async def test_who_does_not_allow_it_is_told_so_and_a_link_is_good_once(place: Place) -> None:
    ann = await register(place.world.http, "ann")
    async with browser.chromium() as chrome:
        tab = await opened(chrome, await place.world.begin(ann, "google-calendar"))
        await tab.see("Choose an account")
        await tab.click("Cancel")
        await tab.see("Nothing was connected")
        await tab.see("You did not allow it.")
        await tab.run("location.reload()")
        await tab.see("This link was used before")
    assert (await ann.get("/integrations")).json()["data"] == []

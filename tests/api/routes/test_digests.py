"""What a digest would say now."""

from datetime import UTC, datetime, timedelta

from tests.people import Person
from tests.todos import make, refusal


async def test_a_preview_says_it_in_every_form_and_sends_nothing(alice: Person) -> None:
    today = datetime.now(UTC).date()
    await make(alice, "<b>overdue</b>", due={"date": str(today - timedelta(days=2))})
    await make(alice, "next", due={"date": str(today + timedelta(days=3)), "time": "09:00"})
    done = await make(alice, "done")
    await alice.post(f"/todos/{done['id']}/complete")
    answer = await alice.post("/digests/preview")
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert [(each["section"], each["total"]) for each in found["sections"]] == [
        ("overdue", 1),
        ("upcoming", 1),
        ("completed", 1),
    ]
    assert found["sections"][1]["items"][0]["due"]["time"] == "09:00"
    assert (found["frequency"], found["streak"]) == ("daily", 1)
    assert found["short"] == [
        "Your day: 1 overdue, 1 in the next 7 days, 1 done",
        "<b>overdue</b>",
        "next",
    ]
    assert "<b>overdue</b>" in found["text"]
    assert "&lt;b&gt;overdue&lt;/b&gt;" in found["html"]
    assert "<b>overdue" not in found["html"]
    page = await alice.get("/digests/preview?frequency=weekly")
    assert page.headers["content-type"].startswith("text/html")
    assert "&lt;b&gt;overdue&lt;/b&gt;" in page.text
    assert (await alice.get("/notifications")).json()["data"] == []


async def test_a_weekly_one_tells_of_the_week(alice: Person) -> None:
    preview = await alice.post("/digests/preview", json={"frequency": "weekly"})
    assert (preview.json()["frequency"], preview.json()["sections"]) == ("weekly", [])
    wrong = await alice.post("/digests/preview", json={"frequency": "off"})
    assert refusal(wrong)[:2] == (422, "/frequency")

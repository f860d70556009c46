import httpx2


async def test_answers_without_asking_anyone(http: httpx2.AsyncClient) -> None:
    assert (await http.get("/health")).json() == {"status": "ok"}


async def test_is_ready_when_migrated(http: httpx2.AsyncClient) -> None:
    answer = await http.get("/ready")
    assert answer.status_code == 200, answer.text


async def test_tells_problems_as_problems(http: httpx2.AsyncClient) -> None:
    answer = await http.get("/nowhere")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.json()["trace_id"] == answer.headers["x-request-id"]

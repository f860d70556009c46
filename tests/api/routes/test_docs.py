from fastapi import FastAPI
from httpx2 import AsyncClient


async def test_every_operation_is_on_the_page(app: FastAPI, http: AsyncClient) -> None:
    page = await http.get("/docs")
    assert page.status_code == 200
    for part in ("paths", "webhooks"):
        for operations in app.openapi()[part].values():
            for each in operations.values():
                assert f'id="{each["operationId"]}"' in page.text
    assert "Water the plants" in page.text  # an example of a message


async def test_the_page_loads_nothing_from_elsewhere(http: AsyncClient) -> None:
    page = await http.get("/docs")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for loading in ("<script", "src=", "@import", "url("):
        assert loading not in page.text

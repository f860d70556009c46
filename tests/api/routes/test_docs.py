from fastapi import FastAPI
from httpx2 import AsyncClient


async def test_every_operation_is_on_the_page(app: FastAPI, http: AsyncClient) -> None:
    page = await http.get("/docs")
    assert page.status_code == 200
    for operations in app.openapi()["paths"].values():
        for each in operations.values():
            assert f'id="{each["operationId"]}"' in page.text


async def test_the_page_loads_nothing_from_elsewhere(http: AsyncClient) -> None:
    page = await http.get("/docs")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for loading in ("<script", "src=", "@import", "url("):
        assert loading not in page.text

"""Small questions to a server that may not be there yet."""

import asyncio


async def listens(host: str, port: int) -> bool:
    """Whether something accepts connections there."""
    try:
        async with asyncio.timeout(2):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


async def answers(host: str, port: int, path: str) -> bool:
    """Whether `GET path` is answered with 200."""
    try:
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_connection(host, port)
            request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"
            writer.write(request.encode())
            status = await reader.readline()
    except (OSError, ValueError, TimeoutError):
        return False
    writer.close()
    return status.split(b" ")[1:2] == [b"200"]

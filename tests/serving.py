"""Serves an ASGI application over a real loopback socket, from a thread of the test process."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any, Literal

import uvicorn

from api.up import KEEP_ALIVE_S
from tests.patience import PATIENCE_S


@contextmanager
def serve(
    app: Any,
    *,
    http: Literal["h11", "httptools"] = "httptools",
    port: int = 0,
    **options: Any,
) -> Iterator[str]:
    """Give the base URL of the running application; it has stopped when the block ends.

    `port`: for one that must know its own address; else whichever is free.
    `options` go to `uvicorn.Config`; with `ssl_certfile` the URL is https.
    """
    scheme = "https" if "ssl_certfile" in options else "http"
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(1024)
        config = uvicorn.Config(
            app,
            http=http,
            ws="none",
            log_level="error",
            access_log=False,
            timeout_graceful_shutdown=2,
            timeout_keep_alive=KEEP_ALIVE_S,
            **options,
        )
        server = uvicorn.Server(config)
        thread = Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            # Connecting needs no readiness check: the socket listens already.
            yield f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(PATIENCE_S)
            if thread.is_alive():
                raise RuntimeError("the served application did not stop")

"""The same job on Celery: one task with an ETA for each reminder. Runs in the peers' environment.

celery -A bench.reminders.peer_celery worker -P gevent -c 100
python -m bench.reminders.peer_celery DUE COUNT       submits
"""

import os
import sys
from datetime import datetime
from functools import cache
from typing import Any

import urllib3
from celery import Celery

from bench.reminders.peer_mail import HEADERS, URL, keys, mail

app = Celery("reminders", broker=os.environ["BROKER"])
app.conf.update(task_ignore_result=True, worker_hijack_root_logger=False)


@cache
def _http() -> Any:
    return urllib3.PoolManager(maxsize=100, block=True)


@app.task(name="send")  # type: ignore[untyped-decorator]  # Celery has no types
def send(key: str) -> None:
    answer = _http().request("POST", URL, body=mail(key), headers=HEADERS, timeout=5)
    if answer.status != 202:
        raise RuntimeError(answer.status)


if __name__ == "__main__":
    eta = datetime.fromisoformat(sys.argv[1])
    with app.producer_pool.acquire(block=True) as producer:
        for key in keys(int(sys.argv[2])):
            send.apply_async((key,), eta=eta, producer=producer)

"""The activity of a connection as it is told, line by line."""

import json
import sys
import time
from datetime import UTC, datetime
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from api.commands.client import Client
from api.commands.words import parsed, when

LOOK_S: Final = 2.0  # 30 a minute; a person may ask 100 times
STYLES: Final = {"read": "blue", "wrote": "green", "skipped": "dim", "failed": "red"}


def tell(client: Client, path: str, *, limit: int, follow: bool, zone: str, as_json: bool) -> None:
    """The latest, oldest first; with `follow` what comes as well, until the command is ended.

    With `as_json` each is a document on a line of its own.
    """
    console = Console(highlight=False, soft_wrap=True)
    told = ""
    while True:
        page = client.get(path, limit=limit)["data"]
        for each in reversed(page):
            if each["id"] <= told:
                continue
            told = each["id"]
            if as_json:
                sys.stdout.write(json.dumps(each, ensure_ascii=False) + "\n")
            else:
                console.print(line(each, zone=zone))
        if not follow:
            if not page and not as_json:
                console.print("Nothing was done yet.")
            return
        sys.stdout.flush()
        time.sleep(LOOK_S)


def line(each: dict[str, Any], *, zone: str) -> Text:
    """`12:30  wrote  event created  Call the dentist`, and the reason, if there is one."""
    times = f" x{each['count']}" if each["count"] > 1 else ""
    text = Text(f"{when(parsed(each['at']), now=datetime.now(UTC), zone=zone):<14} ")
    text.append(f"{each['direction']:<8} ", STYLES.get(each["direction"], ""))
    text.append(each["action"].replace(".", " ").replace("_", " ") + times)
    if each["title"]:
        text.append(f"  {each['title']}", "cyan")
    if each["reason"]:
        text.append(f"  {each['reason']}", "dim")
    return text

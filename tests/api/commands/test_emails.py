"""Every e-mail can be looked at, as a file and in a browser."""

import struct
import zlib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli import app
from api.commands.emails import SIZES, find_browser, take

LIGHT, DARK = b"\xf5\xf5\xf4", b"\x1c\x19\x17"  # the page's ground, as the template has it


def test_all_of_them_are_written(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["admin", "emails", "--out", str(tmp_path), "--no-pictures"])
    assert done.exit_code == 0, done.output
    names = {path.name for path in tmp_path.iterdir()}
    assert len(names) == 52
    for locale in ("en", "de"):
        assert f"reminder_hostile.{locale}.html" in names
        text = (tmp_path / f"digest.{locale}.txt").read_text("utf-8")
        assert text.startswith("Subject: ")


def test_a_browser_shows_them_by_day_and_by_night(tmp_path: Path) -> None:
    browser = find_browser()
    if browser is None:
        pytest.skip("no Chromium here: `apt-get install chromium` to look at e-mails")
    done = CliRunner().invoke(app, ["admin", "emails", "--out", str(tmp_path), "--no-pictures"])
    assert done.exit_code == 0, done.output
    page = tmp_path / "reminder.de.html"
    for scheme, ground in (("light", LIGHT), ("dark", DARK)):
        picture = tmp_path / f"{scheme}.png"
        take(browser, page, picture, scheme=scheme, size=SIZES["desktop"])
        assert first_pixel(picture.read_bytes()) == ground


def first_pixel(png: bytes) -> bytes:
    """Of the upper left corner: in the first row every filter leaves it as it is."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    at, packed = 8, b""
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        if png[at + 4 : at + 8] == b"IDAT":
            packed += png[at + 8 : at + 8 + length]
        at += length + 12
    return zlib.decompress(packed)[1:4]

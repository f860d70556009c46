"""`voicetodo admin emails`: every e-mail as a file, and as a picture where there is a browser."""
# ruff: noqa: PLC0415 - imports inside commands: templates cost `--help` a tenth of a second

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.progress import track

from api.commands.options import Json, answer

BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "chrome")
SCHEMES: Final = {"light": 1, "dark": 0}  # as Blink numbers them
SIZES: Final = {"desktop": (760, 900), "phone": (390, 900)}
LONGEST_S: Final = 60


def emails(
    *,
    out: Annotated[Path, typer.Option(help="Folder to write to; made if missing.")],
    with_pictures: Annotated[
        bool, typer.Option("--pictures/--no-pictures", help="Take pictures of them, too.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Render one e-mail of each kind, in each language, by day and by night."""
    from integrations.email_samples import TITLES, samples

    out.mkdir(parents=True, exist_ok=True)
    browser = find_browser() if with_pictures else None
    written: list[Path] = []
    for locale in TITLES:
        for name, mail in track(list(samples(locale)), locale, disable=as_json, transient=True):
            page = out / f"{name}.{locale}.html"
            page.write_text(mail.html, "utf-8")
            text = out / f"{name}.{locale}.txt"
            text.write_text(f"Subject: {mail.subject}\n\n{mail.text}", "utf-8")
            written += [page, text]
            if browser:
                written += pictures(browser, page)
    said = f"{len(written)} files in {out}."
    if with_pictures and not browser:
        said += " No pictures: install Chromium for them."
    answer({"files": [str(path) for path in written]}, said, as_json=as_json)


def find_browser() -> str | None:
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def pictures(browser: str, page: Path) -> list[Path]:
    """A page by day and by night on a desk, and by day on a telephone."""
    made = []
    for size, scheme in (("desktop", "light"), ("desktop", "dark"), ("phone", "light")):
        picture = page.with_suffix(f".{size}.{scheme}.png")
        take(browser, page, picture, scheme=scheme, size=SIZES[size])
        made.append(picture)
    return made


def take(browser: str, page: Path, picture: Path, *, scheme: str, size: tuple[int, int]) -> None:
    """Raises `CalledProcessError` or `TimeoutExpired` when the browser does not do it."""
    with tempfile.TemporaryDirectory(prefix="vt-browser-") as profile:
        subprocess.run(  # noqa: S603 - a browser that was found, on a file of ours
            [
                browser,
                "--headless",
                "--no-sandbox",  # it shows our own page, and as root it has none
                "--disable-gpu",
                "--hide-scrollbars",
                f"--user-data-dir={profile}",
                f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}",
                f"--window-size={size[0]},{size[1]}",
                f"--screenshot={picture}",
                page.resolve().as_uri(),
            ],
            check=True,
            capture_output=True,
            timeout=LONGEST_S,
        )

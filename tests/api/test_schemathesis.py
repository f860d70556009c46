"""The document against the running API: what it promises is what happens, whatever is sent."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.main import create_app
from tests import plain
from tests.patience import PATIENCE_S
from tests.people import API, PASSWORD, address
from tests.serving import serve
from tests.settings import unlimited

EXAMPLES = 3  # beside the cases of the coverage phase, which tries every operation anyway
# What ends or replaces the session that the run itself is signed in with.
ENDS_THE_RUN = "^/api/v1/(auth/(logout|upgrade|link)|sessions/)"
# The tool writes no body of tus' own media type; tests/api/routes/test_uploads.py does.
NOT_WRITTEN = "append_to_upload"
# JSON Schema cannot say: either `at` or `before`, moments to come, zones that there are, cursors
# that we sealed. That such values are refused is what the tests of the routes are for.
NOT_CHECKED = "positive_data_acceptance"


@pytest.fixture
def url(database_url: str, tmp_path: Path) -> Iterator[str]:
    """The API on a socket of its own: the run is another process."""
    settings = unlimited(database_url, tmp_path / "data")
    with serve(create_app(settings)) as address_:
        yield address_


def test_the_document_holds(url: str, tmp_path: Path) -> None:
    body = {"email": address("alice"), "password": PASSWORD}
    signed_in = plain.post(f"{url}{API}/auth/register", json=body).json()
    # Other methods than there are: tests/api/test_hostile.py asks for them.
    (tmp_path / "schemathesis.toml").write_text("[phases.coverage]\nunexpected-methods = []\n")
    run = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"),
            *("run", f"{url}{API}/openapi.json"),
            *("--header", f"Authorization: Bearer {signed_in['access_token']}"),
            *("--phases", "examples,coverage,fuzzing,stateful"),
            *("--max-examples", str(EXAMPLES), "--generation-database", "none"),
            *("--exclude-path-regex", ENDS_THE_RUN, "--exclude-checks", NOT_CHECKED),
            *("--exclude-operation-id", NOT_WRITTEN),
            *("--seed", "1", "--continue-on-failure", "--no-color"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S * 3,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-20_000:] + run.stderr[-2_000:]
    counted = re.search(r"Selected: (\d+)/\d+\s+Tested: (\d+)", run.stdout)
    assert counted is not None, run.stdout
    selected, tested = (int(number) for number in counted.groups())
    assert selected == tested > 100

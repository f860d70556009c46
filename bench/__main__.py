"""All benches, one after the other, each in a process of its own.

    make bench                      all of them: three quarters of an hour
    python -m bench api recurrence  some of them

One that fails (no peer, a wrong plan) keeps no other from being measured; the code is 1 at the end.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Final

# What each is told by environment, unless the caller says otherwise.
PARTS: Final[Mapping[str, Mapping[str, str]]] = {
    "start": {},
    "api": {},
    "plans": {},
    "recurrence": {},
    "reminders": {},
    "push": {},
    "digests": {},
    "webhooks": {},
    "calendar": {},
    "voice": {"MEMO_SECONDS": "20"},
    "data": {"TODOS": "2000", "AUDIO_MB": "128", "GROWTH": "500,2000"},
}


def main(names: Sequence[str]) -> int:
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        sys.stderr.write(f"no such bench: {', '.join(unknown)}; there are {', '.join(PARTS)}\n")
        return 2
    failed = [name for name in names or PARTS if not _ended_well(name)]
    if failed:
        sys.stderr.write(f"not as it should be, see above: {', '.join(failed)}\n")
    return 1 if failed else 0


def _ended_well(name: str) -> bool:
    command = [sys.executable, "-m", f"bench.{name}"]
    return subprocess.run(command, env={**PARTS[name], **os.environ}, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

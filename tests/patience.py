"""How long a test waits for what must come."""

from typing import Final

# Only what hangs takes that long: a limit that a loaded machine can reach fails by chance.
PATIENCE_S: Final = 300.0

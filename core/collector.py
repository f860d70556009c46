"""Python's collector of garbage, told that what we make stays; imported before the rest.

What is imported stays, and ten thousand sends under way are all alive: by its own thresholds it
looks at all of them again and again, which was a sixth of a start and a third of a burst of sends.
What is over goes by reference count.
"""

import gc
from typing import Final

USUAL: Final = gc.get_threshold()

gc.set_threshold(50_000, 20, 50)

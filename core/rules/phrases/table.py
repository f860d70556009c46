"""Tables of phrases: what stands in a text, and what is put in its place, one after the other."""

from collections.abc import Mapping

Table = tuple[tuple[str, str], ...]


def each(words: Mapping[str, str], pattern: str, replacement: str) -> Table:
    """A row for every word and its translation; `{}` is the place of each."""
    return tuple((pattern.format(a), replacement.format(b)) for a, b in words.items())

"""The tokens that stand for motion, and those that do not."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Vocabulary:
    """Token numbers of one body part: motion codes 0..codes-1, then END, PAD and MASK."""

    codes: int

    @property
    def end(self) -> int:
        """Stands behind the last motion token."""
        return self.codes

    @property
    def pad(self) -> int:
        """Stands on every place behind END."""
        return self.codes + 1

    @property
    def mask(self) -> int:
        """A cell to be filled."""
        return self.codes + 2

    @property
    def size(self) -> int:
        """Motion codes and the three special tokens."""
        return self.codes + 3

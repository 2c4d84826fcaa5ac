"""The word lists of prompts, which lie in ``word_lists.toml``."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path


@cache
def _lists() -> dict[str, str]:
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def word_list(name: str) -> list[str]:
    """The words of a list, in its order."""
    return _lists()[name].split()

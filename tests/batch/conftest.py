"""What the tests of the commands share."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

PYTHON = Path(sys.executable)
TINY_BUNDLE = Path(__file__).parents[1] / "data" / "tiny"
WriteTable = Callable[..., Path]


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with random weights that generates in a moment."""
    return shutil.copytree(TINY_BUNDLE, tmp_path_factory.mktemp("weights") / "tiny")


@pytest.fixture
def write_table(tmp_path: Path) -> WriteTable:
    """Writes a CSV file from lines of text."""

    def write(rows: Sequence[str], columns: str = "name,prompt,seconds,seed") -> Path:
        path = tmp_path / "clips.csv"
        path.write_text("\n".join([columns, *rows, ""]), encoding="utf-8")
        return path

    return write

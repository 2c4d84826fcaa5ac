"""What the tests of the commands share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.blender.helpers import make_tiny_bundle

PYTHON = Path(sys.executable)
WriteTable = Callable[..., Path]


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with random weights that generates in a moment."""
    pytest.importorskip("torch", reason="no torch in this Python")
    folder = tmp_path_factory.mktemp("weights") / "tiny"
    make_tiny_bundle.main(folder)
    return folder


@pytest.fixture
def write_table(tmp_path: Path) -> WriteTable:
    """Writes a CSV file from lines of text."""

    def write(rows: Sequence[str], columns: str = "name,prompt,seconds,seed") -> Path:
        path = tmp_path / "clips.csv"
        path.write_text("\n".join([columns, *rows, ""]), encoding="utf-8")
        return path

    return write

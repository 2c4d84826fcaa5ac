"""Two Blenders at once on one user folder: each press of either is done, or says one sentence where
the other was first; what lies there is whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mmm_blender.blender.addon import paths
from mmm_blender.blender.addon.bundle_library import check_files
from tests.blender.addon.test_bundle_library import make
from tests.blender.faults.another_blender import ROUNDS

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = Path(__file__).with_name("another_blender.py")
NAMES = ("first", "second")
SECONDS = 600.0


@pytest.fixture
def said(tmp_path: Path, tiny_bundle: Path) -> dict[str, list[tuple[str, str]]]:
    """What each press came to, by Blender; "" for what was done."""
    for name in (*NAMES, "both"):
        for number in range(ROUNDS):
            make(tmp_path / "offered" / f"{name}-{number}", bytes(300_000))
    variables = os.environ | {
        paths.USER_FOLDER_VARIABLE: str(tmp_path / "user"),
        "PYTHONPATH": str(ROOT),
    }
    given = (str(tmp_path / "offered"), str(tiny_bundle), str(tmp_path / "go"))
    blenders = [
        subprocess.Popen(
            [sys.executable, SCRIPT, name, *given, tmp_path / f"{name}.json"], env=variables
        )
        for name in NAMES
    ]
    until = time.monotonic() + SECONDS
    while len(list(tmp_path.glob("*.ready"))) < len(NAMES) and time.monotonic() < until:
        time.sleep(0.01)
    (tmp_path / "go").touch()
    assert [each.wait(SECONDS) for each in blenders] == [0, 0]
    return {
        name: json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8")) for name in NAMES
    }


def test_two_blenders_share_a_user_folder(
    said: dict[str, list[tuple[str, str]]], tmp_path: Path
) -> None:
    for presses in said.values():
        assert not [pair for pair in presses if pair[0] != "both" and pair[1]]
    added = [[text for name, text in said[who] if name == "both"] for who in NAMES]
    for outcomes in zip(*added, strict=True):
        [refused] = [text for text in outcomes if text]
        assert "There are weights called" in refused and "\n" not in refused
    library = tmp_path / "user" / "weights"
    expected = {f"{name}-{number}" for name in (*NAMES, "both") for number in range(ROUNDS)}
    assert {path.name for path in library.iterdir()} == expected
    for folder in library.iterdir():
        check_files(folder)
    json.loads((tmp_path / "user" / "maps" / "mine.json").read_text(encoding="utf-8"))
    assert not list((tmp_path / "user").rglob("*.part"))

"""``blender --command mmm_batch``: the batch of the extension itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

bpy: Any = pytest.importorskip("bpy", reason="Blender's module bpy is not installed")

import mmm_blender  # noqa: E402  # no use without bpy
from mmm_blender.batch import blender_command  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
WriteTable = Callable[..., Path]
Execute = Callable[[list[str]], int]
ENABLE = "import addon_utils; addon_utils.enable('mmm_blender', default_set=True)"


def options(table: Path, out: Path, bundle: Path) -> list[str]:
    return [
        *(str(table), "--out", str(out), "--bundle", str(bundle), "--format", "blend,bvh"),
        *("--threads", "1", "--python", sys.executable),
    ]


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> dict[str, Execute]:
    """Commands that the add-on has registered."""
    known: dict[str, Execute] = {}

    def register(name: str, execute: Execute) -> str:
        known[name] = execute
        return name

    monkeypatch.setattr(bpy.utils, "register_cli_command", register)
    monkeypatch.setattr(bpy.utils, "unregister_cli_command", known.pop)
    return known


def test_the_add_on_adds_its_command_and_takes_it_away(registered: dict[str, Execute]) -> None:
    mmm_blender.register()
    assert registered == {blender_command.COMMAND: blender_command.execute}
    mmm_blender.unregister()
    assert registered == {}


def test_blender_takes_the_command_twice() -> None:
    for _ in range(2):
        blender_command.register()
        blender_command.unregister()


def test_the_command_makes_a_table(
    registered: dict[str, Execute], write_table: WriteTable, tmp_path: Path, tiny_bundle: Path
) -> None:
    mmm_blender.register()
    try:
        table, out = write_table(["walk,a person walks,2,3"]), tmp_path / "out"
        assert registered["mmm_batch"](options(table, out, tiny_bundle)) == 0
        assert {path.name for path in out.iterdir()} == {"walk.blend", "walk.bvh", "report.json"}
    finally:
        mmm_blender.unregister()


def test_the_command_says_what_is_wrong(
    registered: dict[str, Execute],
    write_table: WriteTable,
    tmp_path: Path,
    tiny_bundle: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    table = write_table(["walk,,2,3"])
    assert blender_command.execute(options(table, tmp_path / "out", tiny_bundle)) == 2
    assert "blender --command mmm_batch: " in capsys.readouterr().err


@pytest.mark.skipif(shutil.which("blender") is None, reason="no Blender program on PATH")
def test_blender_runs_it_from_its_command_line(
    write_table: WriteTable, tmp_path: Path, tiny_bundle: Path
) -> None:
    table, out = write_table(["walk,a person walks,2,3"]), tmp_path / "out"
    addons = tmp_path / "scripts" / "addons"
    addons.mkdir(parents=True)
    (addons / "mmm_blender").symlink_to(ROOT / "mmm_blender", target_is_directory=True)
    environment = os.environ | {"BLENDER_USER_SCRIPTS": str(addons.parent)}
    command = ["blender", "-b", "--python-expr", ENABLE, "--command", "mmm_batch"]
    done = subprocess.run(
        [*command, *options(table, out, tiny_bundle)],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (out / "walk.blend").is_file()

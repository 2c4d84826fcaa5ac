"""Ctrl-C at any moment of a batch is one sentence and exit status 130."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMAND = ROOT / "tools" / "batch_generate.py"
RUNNER = Path(__file__).with_name("interrupted.py")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
@pytest.mark.skipif(importlib.util.find_spec("bpy") is None, reason="needs Blender's module")
@pytest.mark.parametrize("module", ["numpy", "mmm_blender.batch.table", "bpy", "bpy_types"])
def test_ctrl_c_while_modules_are_imported(tmp_path: Path, module: str) -> None:
    table = tmp_path / "clips.csv"
    table.write_text("name,prompt\na,a person walks\n", encoding="utf-8")
    out = tmp_path / "clips"
    given = [str(COMMAND), str(table), "--out", str(out), "--format", "blend,bvh"]
    done = subprocess.run(
        [sys.executable, str(RUNNER), module, *given], capture_output=True, text=True, check=False
    )
    assert done.returncode == 130, done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith("batch_generate: stopped")
    assert "Traceback" not in done.stderr
    assert not list(out.glob("*.blend"))

"""The report of a batch, also where two runs write into one folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mmm_blender.batch.report import REPORT_NAME, Report
from mmm_blender.common.errors import MMMError

NOTE = """
import sys
from pathlib import Path
from mmm_blender.batch.report import Report
report = Report(Path(sys.argv[1]))
for number in range(40):
    report.failed(f"{sys.argv[2]}_{number}", {}, "no reason")
"""


def test_two_runs_into_one_folder_keep_what_both_made(tmp_path: Path) -> None:
    """Before: the last writer's report was all there was."""
    path = tmp_path / REPORT_NAME
    runs = [subprocess.Popen([sys.executable, "-c", NOTE, str(path), name]) for name in ("a", "b")]
    assert [run.wait(600) for run in runs] == [0, 0]
    assert len(Report(path).clips) == 80
    assert [each.name for each in tmp_path.iterdir()] == [REPORT_NAME]


def test_a_lock_that_was_left_behind_is_no_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mmm_blender.batch.report._LOCK_SECONDS", 0.05)
    (tmp_path / f".{REPORT_NAME}.lock").touch()
    report = Report(tmp_path / REPORT_NAME)
    report.failed("a", {}, "no reason")
    assert list(Report(tmp_path / REPORT_NAME).clips) == ["a"]


def test_a_folder_that_became_a_file_is_one_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    report = Report(folder / REPORT_NAME)
    folder.rmdir()
    folder.touch()
    with pytest.raises(MMMError, match="could not be written"):
        report.failed("a", {}, "no reason")

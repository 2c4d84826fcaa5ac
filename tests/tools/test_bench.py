"""The bench measures and prints; its speed is no test's business."""

from __future__ import annotations

from pathlib import Path

import pytest
from _bench.figures import Figure, Skipped, seconds, table

FIGURE = Figure("decode", 0.5, "ms", "scipy", 2.0, 1.0)


def test_the_table_says_target_peer_and_ratio() -> None:
    missed = Figure("write", 1234.5, "ms", "by hand", 5000.0, 50.0)
    printed = table([FIGURE, missed, Skipped("GPU", "there is none")]).splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in printed]
    assert cells[0] == ["what", "measured", "target", "", "peer", "the peer's", "ratio"]
    assert cells[2] == ["decode", "0.5 ms", "< 1 ms", "met", "scipy", "2 ms", "0.25"]
    assert cells[3] == [
        *("write", "1234 ms", "< 50 ms", "MISSED"),
        *("by hand", "5000 ms", "0.247"),
    ]
    assert cells[4] == ["GPU", "skipped", "", "", "there is none", "", ""]
    assert len({len(line) for line in printed}) == 1


def test_without_a_target_nothing_is_met_or_missed() -> None:
    assert Figure("x", 1.0, "s", "y", 1.0).cells[2:4] == ("", "")


def test_the_first_run_does_not_count() -> None:
    runs: list[int] = []
    assert seconds(lambda: runs.append(1), repeats=3) >= 0.0
    assert len(runs) == 4


def test_measures_the_parts_that_need_no_weights() -> None:
    pytest.importorskip("bpy", reason="Blender's module bpy is not installed in this Python")
    pytest.importorskip("scipy", reason="scipy is not installed in this Python")
    from _bench import parts

    for figure in (parts.decoding(), parts.fitting()):
        assert figure.value > 0.0
        assert figure.peer_value > 0.0


def test_measures_a_bundle_in_a_real_worker(
    needs_torch: None, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("bpy", reason="Blender's module bpy is not installed in this Python")
    monkeypatch.setenv("MMM_USER_FOLDER", str(tmp_path))
    from _bench import worker

    rows = worker.rows(tiny_bundle)
    assert all(isinstance(row, Figure) and row.value > 0.0 for row in rows)
    assert [row.what for row in rows] == [
        "press to first keys, worker cold",
        "196 frames warm, prompt to keyed Action",
        "operator to first progress",
        "worker cold start to first motion",
        "196 frames warm, the worker alone",
        "worker memory",
    ]
    [skipped] = worker.rows(tmp_path)
    assert isinstance(skipped, Skipped)


def test_measures_edits_and_sequences(
    tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("bpy", reason="Blender's module bpy is not installed in this Python")
    monkeypatch.setenv("MMM_USER_FOLDER", str(tmp_path))
    from _bench import editing

    for name, value in {"SEGMENTS": 2, "SEGMENT_SECONDS": 0.5, "MINUTES": (1, 2)}.items():
        monkeypatch.setattr(editing, name, value)
    rows = [*editing.reading_rows(), *editing.rows(tiny_bundle)]
    assert all(isinstance(row, Figure) and row.value > 0.0 for row in rows)
    assert [row.what for row in rows] == [
        "reading 600 frames of evaluated motion",
        "reading 96 frames of evaluated motion, 12 ms each",
        "2 s inside 9.8 s, warm, click to keys",
        "1 min of 2 prompts, list to keys",
        "2 min of 4 prompts, list to keys",
    ]

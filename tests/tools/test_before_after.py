"""Edits and paths before and after: which walks are drawn, and where the way is red."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mmm_blender.training.data.dataset import TRAIN, split_of
from mmm_blender.training.data.motion_file import ClipRecord, save_motions
from tests.geometry.feet.test_foot_locking import standing, walking

pytest.importorskip("matplotlib", reason="a development dependency")

import before_after
from _render import foot_traces

RED, BLACK = (208, 2, 27), (0, 0, 0)


def held_out(content: str) -> ClipRecord:
    """A record of which training sees nothing."""
    records = (
        ClipRecord(f"{content}{n}#0", f"{content}{n}", "bandai", content, "normal", "", 90)
        for n in range(1000)
    )
    return next(record for record in records if split_of(record) != TRAIN)


def test_one_held_out_walk_of_each_kind_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk, run = held_out("walk"), held_out("run")
    known = next(
        record
        for record in (replace(walk, take=f"t{n}", name=f"t{n}#0") for n in range(99))
        if split_of(record) == TRAIN
    )
    clip = walking(90, 20.0)
    save_motions(tmp_path / "m.npz", [known, run, walk, walk], [clip, clip, clip, clip])
    out = tmp_path / "walks.npz"
    words = ["x", "--data", str(tmp_path / "m.npz"), "--walks", str(out)]
    monkeypatch.setattr(sys, "argv", words)
    assert before_after.main() == 0
    with np.load(out) as walks:
        assert walks["rotations"].shape == (2, 80, 22, 4) and walks["root"].shape == (2, 80, 3)
        assert "run" in str(walks["texts"][1]) or "jog" in str(walks["texts"][1])


def colours(path: Path) -> set[tuple[int, int, int]]:
    picture = np.asarray(foot_traces.Image.open(path).convert("RGB")).reshape(-1, 3)
    return {tuple(pixel) for pixel in picture.tolist()}


def has(path: Path, wanted: tuple[int, int, int]) -> bool:
    near = (max(abs(a - b) for a, b in zip(c, wanted, strict=True)) for c in colours(path))
    return min(near) < 40


def test_the_way_is_red_where_no_foot_stands(tmp_path: Path) -> None:
    still = standing(60, 20.0)
    ahead_T3 = np.arange(60)[:, None] * np.array([0.0, 0.0, 0.05])
    slides = still.replace(root_T3=still.root_T3 + ahead_T3)
    for name, clip, colour in (("walks", walking(60, 20.0), BLACK), ("slides", slides, RED)):
        panel = before_after.panel(name, clip, (10, 50), None)
        foot_traces.draw_panels(tmp_path / f"{name}.png", [[panel]])
        assert has(tmp_path / f"{name}.png", colour)
        assert (tmp_path / f"{name}.png").stat().st_size < 100_000
    assert before_after.panel("", slides, (10, 50), None).title.endswith("40 of 40 frames")

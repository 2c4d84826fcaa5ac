"""Whole releases of CMU and 100STYLE, laid out as their publishers do."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import prepare_motions
import pytest

from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.bvh import bvh_text
from mmm_blender.geometry.skeleton import SMPL
from mmm_blender.training.data.folders import (
    FRAME_CUTS,
    cmu_folder_takes,
    style100_takes,
    style_name,
)
from mmm_blender.training.data.motion_file import load_motions
from mmm_blender.training.data.takes import T_POSE_FRAMES
from tests.training.captured_files import amc_text, asf_text
from tests.training.data.test_asf_amc import UNIT, frames_of_bones
from tests.training.synthetic import walk_on_the_spot

STYLE100_NAMES = {
    "pelvis": "Hips", "spine1": "Chest", "spine2": "Chest2", "spine3": "Chest4", "neck": "Neck",
    "head": "Head",
} | {
    f"{side}_{ours}": f"{side.title()}{theirs}"
    for side in ("left", "right")
    for ours, theirs in {
        "collar": "Collar", "shoulder": "Shoulder", "elbow": "Elbow", "wrist": "Wrist",
        "hip": "Hip", "knee": "Knee", "ankle": "Ankle", "foot": "Toe",
    }.items()
}  # fmt: skip
MOTION_BUILDER_NAMES = {
    "pelvis": "Hips", "spine1": "LowerBack", "spine2": "Spine", "spine3": "Spine1",
    "neck": "Neck", "head": "Head",
} | {
    f"{side}_{ours}": f"{side.title()}{theirs}"
    for side in ("left", "right")
    for ours, theirs in {
        "collar": "Shoulder", "shoulder": "Arm", "elbow": "ForeArm", "wrist": "Hand",
        "hip": "UpLeg", "knee": "Leg", "ankle": "Foot", "foot": "ToeBase",
    }.items()
}  # fmt: skip


def named(names: dict[str, str], frames: int, fps: float) -> str:
    """A walk on the spot as BVH with other joint names."""
    skeleton = replace(SMPL, names=tuple(names.get(name, name) for name in SMPL.names))
    return bvh_text(walk_on_the_spot(frames).replace(fps=fps), skeleton)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def write_cmu(folder: Path) -> None:
    axes = frames_of_bones(1)
    write(folder / "subjects/35/35.asf", asf_text(axes, UNIT))
    walk = amc_text(walk_on_the_spot(240), axes, UNIT)
    write(folder / "subjects/35/35_01.amc", walk)
    write(folder / "subjects/35/35_99.amc", walk)
    write(folder / "bvh/35_01.bvh", named(MOTION_BUILDER_NAMES, 240, 120.0))
    write(folder / "bvh/02_01.bvh", named(MOTION_BUILDER_NAMES, 240, 120.0))
    write(folder / "bvh/02_02.bvh", named({}, 240, 120.0))
    write(folder / "bvh/notes.bvh", "no motion")
    write(folder / "bvh/61_01.bvh", named(MOTION_BUILDER_NAMES, 240, 120.0))


def test_a_cmu_folder(tmp_path: Path) -> None:
    write_cmu(tmp_path)
    rejected: dict[str, str] = {}
    takes = {take.name: take for take in cmu_folder_takes(tmp_path, rejected)}
    assert {name: take.rig.name for name, take in takes.items()} == {
        "cmu_35_01": "asf",
        "cmu_02_01": "cmu motion builder",
        "cmu_61_01": "cmu motion builder",
    }
    assert takes["cmu_02_01"].label == "walk"
    assert takes["cmu_02_01"].read().frames == 240 - T_POSE_FRAMES
    assert takes["cmu_61_01"].read().fps == 60.0  # its header says 120
    assert takes["cmu_35_01"].read().fps == 120.0
    assert rejected == {
        "cmu_35_99": "cmu_trials.csv has no words for it",
        "cmu_35_01.bvh": "another file of the same trial serves",
        "cmu_02_02": "its joints are those of no known CMU conversion",
        "cmu_notes": "its name is not SUBJECT_TRIAL",
    }


def write_style100(folder: Path) -> None:
    cuts = "STYLE_NAME,FW_START,FW_STOP,ID_START,ID_STOP,TR2_START,TR2_STOP"
    rows = ["LimpLeft,60,360,N/A,N/A,N/A,N/A", "Neutral,30,330,0,300,N/A,N/A", "Odd,0,300,0,9,0,9"]
    write(folder / FRAME_CUTS, "\n".join([cuts, *rows, ""]))
    for name in ("LimpLeft_FW", "LimpLeft_ID", "Neutral_FW", "Neutral_ID", "Odd_FW", "Neutral"):
        style = name.partition("_")[0]
        write(folder / style / f"{name}.bvh", named(STYLE100_NAMES, 400, 60.0))


def test_a_100style_folder(tmp_path: Path) -> None:
    write_style100(tmp_path)
    rejected: dict[str, str] = {}
    takes = {take.name: take for take in style100_takes(tmp_path, rejected)}
    assert {name: (take.content, take.style) for name, take in takes.items()} == {
        "100style_LimpLeft_FW": ("walk", "limp-left"),
        "100style_Neutral_FW": ("walk", "normal"),
        "100style_Neutral_ID": ("stand", "normal"),
    }
    motion = takes["100style_LimpLeft_FW"].read()
    assert (motion.frames, motion.fps) == (300, 60.0)
    assert rejected == {
        "100style_LimpLeft_ID": f"{FRAME_CUTS} has no frames for it",
        "100style_Odd_FW": "captions.toml has no words for 'odd'",
        "100style_Neutral": "its name is not STYLE_KIND",
    }
    (tmp_path / FRAME_CUTS).unlink()
    with pytest.raises(MMMError, match=FRAME_CUTS):
        style100_takes(tmp_path, rejected)


def test_names_of_styles() -> None:
    assert style_name("SpinAntiClock") == "spin-anti-clock"
    assert style_name("Neutral") == "normal"
    assert style_name("zombie") == "zombie"


def test_the_command_takes_both_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_cmu(tmp_path / "cmu")
    write_style100(tmp_path / "style")
    words = ["--sources", "nowhere", "--only", "cmu", "--out", "out.npz", "--report", "report.json"]
    words += ["--cmu-folder", "cmu", "--style100", "style"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["prepare_motions.py", *words])
    assert prepare_motions.main() == 0
    records, clips = load_motions(tmp_path / "out.npz")
    assert {record.source for record in records} == {"cmu", "100style"}
    assert {record.take for record in records} >= {"cmu_35_01", "100style_LimpLeft_FW"}
    assert all(24 <= clip.frames <= 196 for clip in clips)
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    for rows in report["figures"].values():
        assert rows["limb bone direction error, degrees"]["median"] < 0.5

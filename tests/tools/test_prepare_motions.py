"""From captured files to one data set: what is fit is kept, what is not is named and counted."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import prepare_motions
import pytest

from mmm_blender.geometry.bvh import bvh_text
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.conventions import FloatArray
from mmm_blender.geometry.errors import MMMError
from mmm_blender.geometry.skeleton import SMPL
from mmm_blender.training.motion_file import load_motions
from mmm_blender.training.retarget import SIDES
from tests.training.synthetic import bend, walk_on_the_spot

TRUNK = {
    "pelvis": "Hips",
    "spine1": "Spine0",
    "spine2": "Spine",
    "spine3": "Chest",
    "neck": "Neck",
    "head": "Head",
}
LIMBS = {
    "collar": "Shoulder",
    "shoulder": "UpperArm",
    "elbow": "LowerArm",
    "wrist": "Hand",
    "hip": "UpperLeg",
    "knee": "LowerLeg",
    "ankle": "Foot",
    "foot": "Toes",
}
BANDAI_NAMES = TRUNK | {
    f"{side}_{ours}": f"{theirs}_{side[0].upper()}"
    for side in SIDES
    for ours, theirs in LIMBS.items()
}
CAPTURED = replace(SMPL, names=tuple(BANDAI_NAMES.get(name, name) for name in SMPL.names))
DATA = f"{prepare_motions.BANDAI_FOLDER}/dataset/Bandai-Namco-Research-Motiondataset-1/data"


def captured(frames: int) -> str:
    """A walk on the spot as the Bandai Namco set writes it."""
    return bvh_text(walk_on_the_spot(frames), CAPTURED)


def write_takes(sources: Path, takes: dict[str, str]) -> None:
    folder = sources / DATA
    folder.mkdir(parents=True)
    for name, text in takes.items():
        (folder / f"{name}.bvh").write_text(text, encoding="utf-8")


def prepare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run the command on ``tmp_path``/sources; its report."""
    files = {"--sources": "sources", "--out": "out/motions.npz", "--report": "report.json"}
    words = [word for flag, name in files.items() for word in (flag, str(tmp_path / name))]
    monkeypatch.setattr(sys, "argv", ["prepare_motions.py", *words])
    assert prepare_motions.main() == 0
    return json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))


def test_good_takes_are_kept_and_bad_ones_named_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = captured(120)
    takes = {
        "dataset-1_dance-long_normal_001": whole[: whole.index("MOTION")],
        "dataset-1_kick_angry_001": whole.replace("LowerArm_L", "Elbow_L"),
        "dataset-1_run_normal_001": captured(prepare_motions.MIN_FRAMES - 1),
        "dataset-1_run_normal_002": captured(prepare_motions.MIN_FRAMES - 1),
        "dataset-1_walk_elderly_001": whole,
        "dataset-1_walk_normal_002": captured(2 * prepare_motions.MAX_FRAMES + 1),
        "dataset-1_of no known name": whole,
    }
    write_takes(tmp_path / "sources", takes)
    report = prepare(tmp_path, monkeypatch)

    records, clips = load_motions(tmp_path / "out" / "motions.npz")
    assert [record.name for record in records] == [
        "dataset-1_walk_elderly_001#0",
        *(f"dataset-1_walk_normal_002#{piece}" for piece in range(3)),
    ]
    assert (records[0].source, records[0].content, records[0].style) == (
        "bandai",
        "walk",
        "elderly",
    )
    assert {record.take for record in records[1:]} == {"dataset-1_walk_normal_002"}
    assert [clip.frames for clip in clips] == [120, 131, 131, 131]
    assert report["clips"] == len(clips)

    told = report["rejected takes"]
    assert set(told) == set(list(takes)[:4])
    assert "dataset-1_dance-long_normal_001.bvh" in told["dataset-1_dance-long_normal_001"]
    assert told["dataset-1_kick_angry_001"] == "lacks the joints LowerArm_L"
    assert report["rejected"]["shorter than 1.2 s"] == 2
    assert sum(report["rejected"].values()) == 4

    figures = report["figures"]["bandai"]
    assert figures["limb bone direction error, degrees"]["median"] < 0.01
    assert figures["toes below the floor, cm"]["mean"] < 0.1
    assert "No takes for cmu" in capsys.readouterr().err


def test_the_motion_is_the_captured_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_takes(tmp_path / "sources", {"dataset-1_walk_normal_001": captured(120)})
    prepare(tmp_path, monkeypatch)
    _, [clip] = load_motions(tmp_path / "out" / "motions.npz")
    wanted = walk_on_the_spot(120)
    np.testing.assert_allclose(clip.root_T3, wanted.root_T3, atol=3e-3)
    knees = [SMPL.names.index(f"{side}_knee") for side in SIDES]
    np.testing.assert_allclose(
        clip.rotations_TJ4[:, knees], wanted.rotations_TJ4[:, knees], atol=2e-3
    )


@pytest.mark.parametrize("takes", [{}, {"dataset-1_walk_normal_001": "no BVH"}])
def test_nothing_is_written_where_nothing_is_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, takes: dict[str, str]
) -> None:
    write_takes(tmp_path / "sources", takes)
    with pytest.raises(MMMError, match="could be read"):
        prepare(tmp_path, monkeypatch)
    assert not (tmp_path / "out").exists()


def turned(joint: str, degrees: FloatArray) -> MotionClip:
    """A walk with one joint turned about Y as told, degrees a frame."""
    clip = walk_on_the_spot(len(degrees))
    rotations_TJ4 = clip.rotations_TJ4.copy()
    bend(rotations_TJ4, joint, (0.0, 1.0, 0.0), np.radians(degrees))
    return clip.replace(rotations_TJ4=rotations_TJ4)


@pytest.mark.parametrize(
    ("clip", "floor", "reason"),
    [
        (walk_on_the_spot(), 0.0, None),
        (walk_on_the_spot(prepare_motions.MIN_FRAMES), 0.0, None),
        (walk_on_the_spot(prepare_motions.MIN_FRAMES - 1), 0.0, "shorter than 1.2 s"),
        (turned("head", np.repeat([0.0, 80.0], 30)), 0.0, None),
        (turned("head", np.repeat([0.0, 100.0], 30)), 0.0, "turns more than 90 degrees"),
        (walk_on_the_spot(), 0.09, None),
        (walk_on_the_spot(), 0.11, "floor off by more than 10 cm"),
        (walk_on_the_spot(), -0.11, "floor off by more than 10 cm"),
        (turned("left_elbow", np.full(60, -40.0)), 0.0, None),
        (turned("left_elbow", np.full(60, 40.0)), 0.0, "elbow bends backwards"),
        (turned("right_elbow", np.full(60, -40.0)), 0.0, "elbow bends backwards"),
        (turned("right_elbow", np.full(60, 40.0)), 0.0, None),
        (turned("right_elbow", np.where(np.arange(60) < 3, -40.0, 40.0)), 0.0, None),
    ],
)
def test_takes_that_nothing_can_be_learned_from(
    clip: MotionClip, floor: float, reason: str | None
) -> None:
    told = prepare_motions.reason_to_reject(clip, floor)
    assert told is None if reason is None else told is not None and reason in told


@pytest.mark.parametrize(("frames", "count"), [(1, 1), (196, 1), (197, 2), (392, 2), (393, 3)])
def test_pieces_are_equal_and_lose_nothing(frames: int, count: int) -> None:
    clip = walk_on_the_spot(frames)
    cut = list(prepare_motions.pieces(clip))
    lengths = [piece.frames for piece in cut]
    assert len(cut) == count
    assert max(lengths) <= prepare_motions.MAX_FRAMES
    assert max(lengths) - min(lengths) <= 1
    np.testing.assert_array_equal(np.concatenate([piece.root_T3 for piece in cut]), clip.root_T3)


def test_a_doubtful_calibration_is_said() -> None:
    def gathered(error: float) -> prepare_motions.Gathered:
        rows = [{prepare_motions.BONE_ERROR: error}] * 3
        return prepare_motions.Gathered([], [], {"bandai": rows}, {})

    sure = {"bandai": {"Hips": {"degrees_off": 3.0}}}
    assert not prepare_motions.doubts(gathered(0.1), sure)
    [limbs] = prepare_motions.doubts(gathered(4.0), sure)
    assert "off by 4.0 degrees" in limbs
    [axes] = prepare_motions.doubts(gathered(0.1), {"bandai": {"Hips": {"degrees_off": 44.0}}})
    assert "axes of Hips in bandai are unclear" in axes

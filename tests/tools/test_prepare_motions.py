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

from mmm_blender.common.arrays import FloatArray
from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.bvh import bvh_text
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.skeleton import SMPL
from mmm_blender.training.data import preparation
from mmm_blender.training.data.motion_file import ClipRecord, load_motions, save_motions
from mmm_blender.training.data.rigs import SIDES
from mmm_blender.training.data.takes import BANDAI_FOLDER, absent_checkouts, cmu_takes
from tests.training.synthetic import bend, walk_on_the_spot

MIN_FRAMES = 24
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
DATA = f"{BANDAI_FOLDER}/dataset/Bandai-Namco-Research-Motiondataset-1/data"


def captured(frames: int) -> str:
    """A walk on the spot as the Bandai Namco set writes it."""
    return bvh_text(walk_on_the_spot(frames), CAPTURED)


def write_takes(sources: Path, takes: dict[str, str]) -> None:
    folder = sources / DATA
    folder.mkdir(parents=True)
    for name, text in takes.items():
        (folder / f"{name}.bvh").write_text(text, encoding="utf-8")


def prepare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *more: str) -> dict[str, Any]:
    """Run the command on ``tmp_path``/sources; its report."""
    files = {"--sources": "sources", "--out": "out/motions.npz", "--report": "report.json"}
    words = [word for flag, name in files.items() for word in (flag, str(tmp_path / name))]
    monkeypatch.setattr(sys, "argv", ["prepare_motions.py", *words, *more])
    assert prepare_motions.main() == 0
    return json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))


def test_good_takes_are_kept_and_bad_ones_named_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = captured(120)
    takes = {
        "dataset-1_dance-long_normal_001": whole[: whole.index("MOTION")],
        "dataset-1_kick_angry_001": whole.replace("LowerArm_L", "Elbow_L"),
        "dataset-1_run_normal_001": captured(MIN_FRAMES - 1),
        "dataset-1_run_normal_002": captured(MIN_FRAMES - 1),
        "dataset-1_walk_elderly_001": whole,
        "dataset-1_walk_normal_002": captured(2 * preparation.MAX_FRAMES + 1),
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
    assert set(told) == {*list(takes)[:4], "dataset-1_of no known name"}
    assert "CONTENT_STYLE" in told["dataset-1_of no known name"]
    assert "dataset-1_dance-long_normal_001.bvh" in told["dataset-1_dance-long_normal_001"]
    assert told["dataset-1_kick_angry_001"] == "lacks the joints LowerArm_L"
    assert report["rejected"]["shorter than 1.2 s"] == 2
    assert sum(report["rejected"].values()) == len(told) == 5

    figures = report["figures"]["bandai"]
    assert figures["limb bone direction error, degrees"]["median"] < 0.01
    assert figures["toes below the floor, cm"]["mean"] < 0.1
    said = capsys.readouterr().err
    assert "No takes for cmu" in said
    assert all(f"left out: {name}: {reason}" in said for name, reason in told.items())
    assert "5 files left out" in said


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


def test_one_bad_file_among_good_ones_is_named_and_costs_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = captured(60)
    head, frames = whole[: whole.index("MOTION")], whole[whole.index("MOTION") :].splitlines()
    nowhere = " ".join(["nan", *frames[20].split()[1:]])
    takes = {
        "dataset-1_walk_normal_001": whole,
        "dataset-1_walk_normal_002": head + "\n".join([*frames[:20], nowhere, *frames[21:]]),
        "dataset-1_walk_normal_003": whole[: len(whole) // 3],
        "dataset-1_walk_normal_004": captured(3),
        "dataset-1_walk_normal_005": "\0" * 1000,
        "dataset-1_swim_normal_001": whole,
        "dataset-1_walk_sleepy_001": whole,
        "walk": whole,
    }
    write_takes(tmp_path / "sources", takes)
    report = prepare(tmp_path, monkeypatch)
    records, clips = load_motions(tmp_path / "out" / "motions.npz")
    assert {record.take for record in records} <= {
        "dataset-1_walk_normal_001",
        "dataset-1_walk_normal_003",  # what is there of it counts, if it is long enough
    }
    assert clips[0].frames == 60
    told = report["rejected takes"]
    assert "no finite number" in told["dataset-1_walk_normal_002"]
    assert "shorter than" in told["dataset-1_walk_normal_004"]
    assert "is no BVH file" in told["dataset-1_walk_normal_005"]
    assert "no words for 'swim'" in told["dataset-1_swim_normal_001"]
    assert "no words for 'sleepy'" in told["dataset-1_walk_sleepy_001"]
    assert "CONTENT_STYLE" in told["walk"]
    assert sum(report["rejected"].values()) == len(told)
    assert report["clips"] + len(told) >= len(takes)


CMU_CLIP = "AtelierCircle/CMU-MoCap-01-09"


def write_cmu(sources: Path, labels: str, *files: str) -> Path:
    """Files of a CMU checkout with a walk in them, and a label table."""
    for name in files:
        path = sources / CMU_CLIP.rpartition("/")[2] / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(captured(60), encoding="utf-8")  # of another skeleton: it lacks joints
    table = sources / "labels.csv"
    table.write_text(labels, encoding="utf-8")
    return table


def test_a_label_table_that_names_other_files_is_told_file_by_file(tmp_path: Path) -> None:
    rows = ["repo,path,fps,label", f"{CMU_CLIP},02/02_01.bvh,120,walk"]
    rows += [f"{CMU_CLIP},02/02_09.bvh,120,run", f"{CMU_CLIP},02/02_02.bvh,fast,walk"]
    rows += [f"{CMU_CLIP},02/02_03.bvh,120,", "someone/Else,a.bvh,120,walk"]
    files = ("02/02_01.bvh", "02/02_02.bvh", "02/02_03.bvh", "02/other.bvh")
    table = write_cmu(tmp_path, "\n".join(rows), *files)
    rejected: dict[str, str] = {}
    takes = cmu_takes(tmp_path, rejected, table)
    assert [take.label for take in takes] == ["walk"]
    reasons = sorted(rejected.values())
    assert reasons == [
        "labels.csv has no row for it",
        "labels.csv names it, but it is not in the checkout",
        "line 4 of labels.csv gives no frame rate",
        "line 5 of labels.csv gives it no label",
    ]
    assert absent_checkouts(tmp_path, ["bandai"], table) == [BANDAI_FOLDER]
    assert absent_checkouts(tmp_path, ["cmu"], table)[0] == "Else"


def test_a_label_table_with_other_columns_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = write_cmu(tmp_path / "sources", "file,caption\n02_01.bvh,a walk\n", "02/02_01.bvh")
    with pytest.raises(MMMError, match="no column repo"):
        prepare(tmp_path, monkeypatch, "--labels", str(table))


def test_one_source_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_takes(tmp_path / "sources", {"dataset-1_walk_normal_001": captured(60)})
    report = prepare(tmp_path, monkeypatch, "--only", "bandai", "--table")
    assert report["clips"] == 1
    shown = capsys.readouterr()
    assert "No takes" not in shown.err
    assert "| Bandai Namco Research | 1 | 1 | 0.1 | 1 | 1 |" in shown.out
    with pytest.raises(MMMError, match="nothing was written"):
        prepare(tmp_path, monkeypatch, "--only", "cmu")


def test_the_table_of_a_file_that_is_there_needs_no_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = walk_on_the_spot(60)
    rows = [
        ("bandai", "run", "old", ""),
        ("bandai", "run", "elderly", ""),
        ("cmu", "cmu", "", "run"),
    ]
    records = [
        ClipRecord(f"{at}#0", f"{at}", source, content, style, label, 60)
        for at, (source, content, style, label) in enumerate(rows)
    ]
    save_motions(tmp_path / "m.npz", records, [clip] * len(rows))
    monkeypatch.setattr(sys, "argv", ["prepare", "--out", str(tmp_path / "m.npz"), "--table"])
    assert prepare_motions.main() == 0
    shown = capsys.readouterr().out
    assert "| Bandai Namco Research | 2 | 2 | 0.1 | 1 | 1 |" in shown
    assert "| all | 3 | 3 | 0.1 | 1 | 2 |" in shown
    assert "| elderly | 2 |" in shown
    monkeypatch.setattr(sys, "argv", ["prepare", "--out", str(tmp_path / "m.npz")])
    with pytest.raises(MMMError, match="--sources"):
        prepare_motions.main()


def turned(joint: str, degrees: FloatArray) -> MotionClip:
    """A walk with one joint turned about Y as raised, degrees a frame."""
    clip = walk_on_the_spot(len(degrees))
    rotations_TJ4 = clip.rotations_TJ4.copy()
    bend(rotations_TJ4, joint, (0.0, 1.0, 0.0), np.radians(degrees))
    return clip.replace(rotations_TJ4=rotations_TJ4)


@pytest.mark.parametrize(
    ("clip", "floor", "reason"),
    [
        (walk_on_the_spot(), 0.0, None),
        (walk_on_the_spot(MIN_FRAMES), 0.0, None),
        (walk_on_the_spot(MIN_FRAMES - 1), 0.0, "shorter than 1.2 s"),
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
    told = preparation.reason_to_reject(clip, floor, MIN_FRAMES)
    assert told is None if reason is None else told is not None and reason in told


@pytest.mark.parametrize(("frames", "count"), [(1, 1), (196, 1), (197, 2), (392, 2), (393, 3)])
def test_pieces_are_equal_and_lose_nothing(frames: int, count: int) -> None:
    clip = walk_on_the_spot(frames)
    cut = list(preparation.pieces(clip))
    lengths = [piece.frames for piece in cut]
    assert len(cut) == count
    assert max(lengths) <= preparation.MAX_FRAMES
    assert max(lengths) - min(lengths) <= 1
    np.testing.assert_array_equal(np.concatenate([piece.root_T3 for piece in cut]), clip.root_T3)


def test_a_doubtful_calibration_is_said() -> None:
    def gathered(error: float) -> preparation.Gathered:
        rows = [{preparation.BONE_ERROR: error}] * 3
        return preparation.Gathered([], [], {"bandai": rows}, {})

    sure = {"bandai": {"Hips": {"degrees_off": 3.0}}}
    assert not preparation.calibration_errors(gathered(0.1), sure)
    [limbs] = preparation.calibration_errors(gathered(4.0), sure)
    assert "off by 4.0 degrees" in limbs
    [axes] = preparation.calibration_errors(
        gathered(0.1), {"bandai": {"Hips": {"degrees_off": 44.0}}}
    )
    assert "axes of Hips in bandai are unclear" in axes

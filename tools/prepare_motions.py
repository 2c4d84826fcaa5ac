"""Bring the captured sources to SMPL clips at 20 fps in one compact file, and check the result.

    python tools/prepare_motions.py --sources DIR --out build/motions.npz [--report FILE] [--table]
    python tools/prepare_motions.py --sources DIR --out build/cmu.npz --only cmu
    python tools/prepare_motions.py --out build/motions.npz --table    (of a file that is there)

DIR holds checkouts of the public repositories, each under its own name (see training/takes.py);
those that are missing are named and left out. Every file that is left out is named with its reason
and counted; where nothing is left, nothing is written and the command fails.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from _dev.program import run  # noqa: E402

from mmm_blender.common.arrays import FloatArray  # noqa: E402
from mmm_blender.common.errors import MMMError  # noqa: E402
from mmm_blender.geometry.clip import MotionClip  # noqa: E402
from mmm_blender.geometry.conventions import MODEL_FPS  # noqa: E402
from mmm_blender.geometry.feet.contacts import CONTACT_JOINTS, foot_contacts, joint_speeds  # noqa: E402
from mmm_blender.geometry.kinematics import clip_joints  # noqa: E402
from mmm_blender.geometry.rotations import quat_angle, quat_to_rotation_vector  # noqa: E402
from mmm_blender.geometry.skeleton import SOLE_HEIGHT, joint_index  # noqa: E402
from mmm_blender.training.data.measured import measure  # noqa: E402
from mmm_blender.training.data.motion_file import ClipRecord, load_motions, save_motions  # noqa: E402
from mmm_blender.training.data.retarget import (  # noqa: E402
    BANDAI,
    CMU_DAZ,
    DEEPMIMIC,
    SIDES,
    Calibration,
    Rig,
    bone_direction_errors,
    calibrate,
    joint_errors,
    retarget,
)
from mmm_blender.training.data.set_table import set_tables  # noqa: E402
from mmm_blender.training.data.sources import SourceMotion  # noqa: E402
from mmm_blender.training.data.takes import (  # noqa: E402
    CMU_TABLE,
    Rejected,
    Take,
    absent_checkouts,
    bandai_takes,
    cmu_takes,
)

SOURCES = ("bandai", "cmu")
CALIBRATION_TAKES = 40
MIN_FRAMES, MAX_FRAMES = 24, 196  # 1.2 s: shorter clips hold no whole gesture; the model's limit
MAX_TURN = 90.0  # degrees a frame: faster is a twist flip, not a motion
MAX_FLOOR_OFF = 0.10  # metres
BONE_ERROR = "limb bone direction error, degrees"
MAX_BONE_ERROR = 1.0  # median over takes; a right calibration gives none at all
MAX_AXES_OFF = 30.0  # degrees: trunk axes further off than this were snapped to a guess
MAX_BACKWARD_ELBOW = 25.0  # degrees of hyperextension ...
MAX_BACKWARD_SHARE = 0.05  # ... in more than this share of frames


def reason_to_reject(clip: MotionClip, floor: float) -> str | None:
    """Why a take is not fit to learn from, or None."""
    if clip.frames < MIN_FRAMES:
        return f"shorter than {MIN_FRAMES / MODEL_FPS:.1f} s"
    turns = np.degrees(quat_angle(clip.rotations_TJ4[1:], clip.rotations_TJ4[:-1]))
    if turns.max() > MAX_TURN:
        return f"a joint turns more than {MAX_TURN:.0f} degrees in a frame"
    if abs(floor) > MAX_FLOOR_OFF:
        return f"floor off by more than {MAX_FLOOR_OFF * 100:.0f} cm"
    if (backward_elbow_degrees(clip) > MAX_BACKWARD_ELBOW).mean() > MAX_BACKWARD_SHARE:
        return "an elbow bends backwards"
    return None


def backward_elbow_degrees(clip: MotionClip) -> FloatArray:
    """(T, 2) hyperextension; the left elbow flexes about -Y, the right about +Y."""
    elbows = [joint_index(f"{side}_elbow") for side in SIDES]
    bends = quat_to_rotation_vector(clip.rotations_TJ4[:, elbows])
    return np.degrees(bends[..., 1] * np.array([1.0, -1.0]))


def pieces(clip: MotionClip) -> Iterator[MotionClip]:
    """Equal parts that the model can see whole."""
    count = -(-clip.frames // MAX_FRAMES)
    borders = np.linspace(0, clip.frames, count + 1).astype(int)
    for start, stop in pairwise(borders):
        yield clip.slice(int(start), int(stop))


def figures(clip: MotionClip, motion: SourceMotion, calibration: Calibration) -> dict[str, float]:
    """The self-check of one take; see the report for units."""
    joints = clip_joints(clip)
    contacts = foot_contacts(joints, clip.fps)
    feet = joints[:, CONTACT_JOINTS]
    toes = feet[:, [1, 3], 1] - SOLE_HEIGHT
    speeds = joint_speeds(feet * [1, 0, 1], clip.fps)
    turns = np.degrees(quat_angle(clip.rotations_TJ4[1:], clip.rotations_TJ4[:-1]))
    return {
        BONE_ERROR: bone_direction_errors(clip, motion, calibration),
        "joint error against the scaled take, mm": joint_errors(clip, motion, calibration),
        "toes below the floor, cm": float(np.maximum(-toes, 0).mean()) * 100,
        "foot slide in contact, cm/s": float(speeds[contacts].mean() * 100)
        if contacts.any()
        else 0.0,
        "share of frames in contact": float(contacts.any(axis=1).mean()),
        "largest turn in a frame, degrees": float(turns.max()),
    }


@dataclass
class Gathered:
    """What has come of the takes so far."""

    records: list[ClipRecord]
    clips: list[MotionClip]
    figures: dict[str, list[dict[str, float]]]
    rejected: Rejected


def gather(takes: list[Take], rig: Rig, into: Gathered) -> dict[str, Any] | None:
    """Calibrate a rig from a spread of its takes, then retarget all; returns the calibration, or
    None where no take could be read."""
    spread = takes[:: max(1, len(takes) // CALIBRATION_TAKES)]
    readable = [m for take in spread if (m := try_read(take, rig, into)) is not None]
    if not readable:  # the spread may have met bad ones alone
        readable = [m for take in takes if (m := try_read(take, rig, into)) is not None]
    if not readable:
        return None
    calibration = calibrate(rig, readable)
    for take in tqdm(takes, desc=rig.name, unit="take"):
        motion = try_read(take, rig, into)
        if motion is None:
            continue
        clip, floor = retarget(motion, calibration)
        if reason := reason_to_reject(clip, floor):
            into.rejected[take.name] = reason
            continue
        into.figures.setdefault(rig.name, []).append(figures(clip, motion, calibration))
        for at, piece in enumerate(pieces(clip)):
            words = (take.source, take.content, take.style, take.label)
            name = f"{take.name}#{at}"
            into.records.append(ClipRecord(name, take.name, *words, piece.frames, measure(piece)))
            into.clips.append(piece)
    return calibration.report


def try_read(take: Take, rig: Rig, into: Gathered) -> SourceMotion | None:
    """The take's motion, or None with the reason noted."""
    try:
        motion = take.read()
    except MMMError as error:
        into.rejected[take.name] = str(error)
        return None
    lacking = rig.joints() - set(motion.rotations)
    if lacking:
        into.rejected[take.name] = f"lacks the joints {', '.join(sorted(lacking))}"
    elif not motion.frames:
        into.rejected[take.name] = "holds nothing after its T-pose"
    return None if take.name in into.rejected else motion


def summary(rows: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    """Median, mean and 99th percentile of each figure over takes."""
    result: dict[str, dict[str, float]] = {}
    for name in rows[0]:
        values = np.array([row[name] for row in rows])
        spread = {
            "median": np.median(values),
            "mean": values.mean(),
            "p99": np.percentile(values, 99),
        }
        result[name] = {word: round(float(value), 3) for word, value in spread.items()}
    return result


def confirmations(gathered: Gathered, calibrations: dict[str, dict[str, Any]]) -> list[str]:
    """What is wrong with the calibrations, a sentence each; empty where all is well."""
    found: list[str] = []
    for rig, rows in gathered.figures.items():
        error = summary(rows)[BONE_ERROR]["median"]
        if error > MAX_BONE_ERROR:
            found.append(f"Limbs of {rig} are off by {error} degrees: its calibration is wrong.")
    for rig, report in calibrations.items():
        for joint, told in report.items():
            if isinstance(told, dict) and told.get("degrees_off", 0.0) > MAX_AXES_OFF:
                found.append(f"The axes of {joint} in {rig} are unclear: {told}.")
    return found


def takes_by_rig(options: argparse.Namespace, rejected: Rejected) -> list[tuple[Rig, list[Take]]]:
    """All takes that are asked for; what is none is told in ``rejected``."""
    found: list[tuple[Rig, list[Take]]] = []
    if options.only in (None, "bandai"):
        found.append((BANDAI, bandai_takes(options.sources, rejected)))
    if options.only in (None, "cmu"):
        by_kind = cmu_takes(options.sources, rejected, options.labels)
        found += [(CMU_DAZ, by_kind["cmu"]), (DEEPMIMIC, by_kind["deepmimic"])]
    return found


def collect(options: argparse.Namespace) -> tuple[Gathered, dict[str, dict[str, Any]]]:
    """Retarget everything under the sources' folder; MMMError where nothing is left."""
    gathered, calibrations = Gathered([], [], {}, {}), dict[str, dict[str, Any]]()
    for name in absent_checkouts(options.sources, options.labels):
        print(f"{name} is not under {options.sources}: left out.", file=sys.stderr)
    for rig, takes in takes_by_rig(options, gathered.rejected):
        calibration = gather(takes, rig, gathered) if takes else None
        if calibration is not None:
            calibrations[rig.name] = calibration
        elif takes:
            print(f"None of the {rig.name} takes could be read: left out.", file=sys.stderr)
        else:
            print(f"No takes for {rig.name} under {options.sources}: left out.", file=sys.stderr)
    for name, reason in gathered.rejected.items():
        print(f"left out: {name}: {reason}", file=sys.stderr)
    print(f"{len(gathered.rejected)} files left out", file=sys.stderr)
    wrong = confirmations(gathered, calibrations)
    if wrong:
        raise MMMError(" ".join(wrong) + " Nothing was written.")
    if not gathered.clips:
        raise MMMError(
            f"No motion could be read under {options.sources} ({len(gathered.rejected)} files left "
            "out); nothing was written: give --sources the folder that holds the checkouts."
        )
    return gathered, calibrations


def write_report(options: argparse.Namespace, report: dict[str, Any]) -> None:
    """All of it to the file that was asked for, the short of it to the terminal."""
    if options.report:
        options.report.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    short = {k: v for k, v in report.items() if k not in ("rejected takes", "calibration")}
    print(json.dumps(short, indent=1))


def prepare(options: argparse.Namespace) -> Rejected:
    """Write the data set and its report; returns what was left out."""
    gathered, calibrations = collect(options)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    save_motions(options.out, gathered.records, gathered.clips)
    write_report(
        options,
        {
            "clips": len(gathered.clips),
            "minutes": round(sum(c.seconds for c in gathered.clips) / 60, 1),
            "megabytes": round(options.out.stat().st_size / 1e6, 1),
            "figures": {rig: summary(rows) for rig, rows in gathered.figures.items()},
            "rejected": Counter(gathered.rejected.values()),
            "rejected takes": gathered.rejected,
            "calibration": calibrations,
        },
    )
    return gathered.rejected


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sources", type=Path, help="folder of repository checkouts")
    parser.add_argument("--out", type=Path, required=True, help="the .npz to write")
    parser.add_argument("--only", choices=SOURCES, help="takes of one source alone")
    parser.add_argument("--labels", type=Path, default=CMU_TABLE, help="CSV of the CMU clips")
    parser.add_argument("--report", type=Path, help="where the figures go as JSON")
    parser.add_argument("--table", action="store_true", help="print the set as Markdown tables")
    options = parser.parse_args()
    if options.sources is None and not options.table:
        raise MMMError("Name the folder of the repository checkouts with --sources.")
    rejected = prepare(options) if options.sources else None
    if options.table:
        print(set_tables(load_motions(options.out)[0], rejected))
    return 0


if __name__ == "__main__":
    run(main)

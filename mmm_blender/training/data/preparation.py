"""From captured takes to a prepared set: calibrate, retarget, check, cut, measure.

Every take that is left out is named with its reason. A calibration that can't be right is an error:
nothing that was made with it may be learned from.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ...common.arrays import FloatArray
from ...common.errors import MMMError
from ...geometry.clip import MotionClip
from ...geometry.conventions import MODEL_FPS
from ...geometry.feet.contacts import CONTACT_JOINTS, foot_contacts, joint_speeds
from ...geometry.kinematics import clip_joints
from ...geometry.rotations import quat_angle, quat_to_rotation_vector
from ...geometry.skeleton import SOLE_HEIGHT, joint_index
from .calibration import Calibration, calibrate
from .folders import cmu_folder_takes, style100_takes
from .gesture_pieces import SHOWS_GESTURES, gesture_pieces
from .measured import measure
from .motion_file import ClipRecord
from .retarget import bone_direction_errors, joint_errors, retarget
from .rigs import SIDES, Rig
from .sources import SourceMotion
from .takes import (
    CMU_TABLE,
    Rejected,
    Take,
    absent_checkouts,
    bandai_takes,
    cmu_takes,
    listed_takes,
)

SETS = {
    "starter": ("bandai", "cmu", "skillmimic", "reactidle"),
    "open": ("cmu", "skillmimic", "reactidle", "hdm05"),
}
"""Sources whose terms let them share one set of weights. HDM05 is share-alike (CC BY-SA), Bandai
Namco's is not for commercial use (CC BY-NC): they never do."""

STYLE100 = "100style"
SOURCES = (*dict.fromkeys(name for names in SETS.values() for name in names), STYLE100)

CALIBRATION_TAKES = 40
MAX_FRAMES = 196  # the model's limit
MAX_TURN = 90.0  # degrees a frame: faster is a twist flip, not a motion
MAX_FLOOR_OFF = 0.10  # metres
BONE_ERROR = "limb bone direction error, degrees"
MAX_BONE_ERROR = 1.0  # median over takes; a right calibration gives none at all
MAX_AXES_OFF = 30.0  # degrees: trunk axes further off than this were snapped to a guess
MAX_BACKWARD_ELBOW = 25.0  # degrees of hyperextension ...
MAX_BACKWARD_SHARE = 0.05  # ... in more than this share of frames


def reason_to_reject(clip: MotionClip, floor: float, least_frames: int) -> str | None:
    """Why a take is not fit to learn from, or None."""
    if clip.frames < least_frames:
        return f"shorter than {least_frames / MODEL_FPS:.2g} s"
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


def spread(count: int, most: int) -> list[int]:
    """Numbers under ``count``: the middles of ``most`` equal stretches (0: all)."""
    kept = most if 0 < most < count else count
    return [int((at + 0.5) * count / kept) for at in range(kept)]


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

    records: list[ClipRecord] = field(default_factory=list[ClipRecord])
    clips: list[MotionClip] = field(default_factory=list[MotionClip])
    figures: dict[str, list[dict[str, float]]] = field(
        default_factory=dict[str, list[dict[str, float]]]
    )
    rejected: Rejected = field(default_factory=dict[str, str])
    taken: set[str] = field(default_factory=set[str])  # names of takes that are in
    wants_gestures: bool = False  # see add_gestures

    def add(self, take: Take, cut: Sequence[tuple[int, MotionClip]]) -> None:
        """Pieces of a take that are fit, each with its number."""
        self.taken.add(take.name)
        for number, piece in cut:
            self._add(take, f"#{number}", take.label, piece)

    def add_gestures(self, take: Take, clip: MotionClip) -> None:
        """Single gestures of a take that shows many, beside its pieces."""
        if take.label in SHOWS_GESTURES:
            for number, (label, piece) in enumerate(gesture_pieces(clip)):
                self._add(take, f"#gesture{number}", label, piece)

    def _add(self, take: Take, suffix: str, label: str, piece: MotionClip) -> None:
        words = (take.source, take.content, take.style, label)
        name = take.name + suffix
        self.records.append(ClipRecord(name, take.name, *words, piece.frames, measure(piece)))
        self.clips.append(piece)


def gather(rig: Rig, takes: Sequence[Take], into: Gathered) -> dict[str, Any] | None:
    """Calibrate a rig from a spread of its takes, then retarget all; returns the calibration, or
    None where no take could be read."""
    readable = [m for take in _sample(takes) if (m := try_read(take, into)) is not None]
    if not readable:  # the sample may have met bad ones alone
        readable = [m for take in takes if (m := try_read(take, into)) is not None]
    if not readable:
        return None
    calibration = calibrate(rig, readable)
    for take in tqdm(takes, desc=rig.name, unit="take", mininterval=5):
        if take.same_as in into.taken:
            into.rejected[take.name] = "another file of the same capture serves"
        elif (motion := try_read(take, into)) is not None:
            _take_in(take, motion, calibration, into)
    return calibration.report


def _sample(takes: Sequence[Take]) -> Sequence[Take]:
    return takes[:: max(1, len(takes) // CALIBRATION_TAKES)]


def _take_in(take: Take, motion: SourceMotion, calibration: Calibration, into: Gathered) -> None:
    clip, floor = retarget(motion, calibration)
    cut = list(enumerate(pieces(clip)))
    parts = [piece for _, piece in cut] if take.by_piece else [clip]
    reasons = [reason_to_reject(part, floor, take.least_frames) for part in parts]
    if all(reasons):
        into.rejected[take.name] = next(reason for reason in reasons if reason)
        return
    if take.by_piece:
        cut = [cut[at] for at, reason in enumerate(reasons) if not reason]
    rows = into.figures.setdefault(take.rig.name, [])
    rows.append(figures(clip, motion, calibration))
    into.add(take, [cut[at] for at in spread(len(cut), take.most_pieces)])
    if into.wants_gestures:
        into.add_gestures(take, clip)


def try_read(take: Take, into: Gathered) -> SourceMotion | None:
    """The take's motion, or None with the reason noted."""
    try:
        motion = take.read()
    except MMMError as error:
        into.rejected[take.name] = str(error)
        return None
    lacking = take.rig.joints() - set(motion.rotations)
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


def calibration_errors(gathered: Gathered, calibrations: dict[str, dict[str, Any]]) -> list[str]:
    """What is wrong with the calibrations, a sentence each; empty where all is well."""
    found: list[str] = []
    for rig, rows in gathered.figures.items():
        error = summary(rows)[BONE_ERROR]["median"]
        if error > MAX_BONE_ERROR:
            found.append(f"Limbs of {rig} are off by {error} degrees: its calibration is wrong.")
    for rig, report in calibrations.items():
        for joint, axes in report.items():
            if isinstance(axes, dict) and axes.get("degrees_off", 0.0) > MAX_AXES_OFF:
                found.append(f"The axes of {joint} in {rig} are unclear: {axes}.")
    return found


@dataclass(frozen=True)
class Wanted:
    """What to prepare. sources: folder of the checkouts. names: of SOURCES. labels: table of the
    CMU clips. cmu_folder: all of CMU, instead of what checkouts have of it. style100: 100STYLE,
    which may join every set (CC BY)."""

    sources: Path
    names: Sequence[str]
    labels: Path = CMU_TABLE
    cmu_folder: Path | None = None
    style100: Path | None = None


def takes_of(wanted: Wanted, rejected: Rejected) -> list[Take]:
    """All takes that are asked for; what is none is named in ``rejected``."""
    found: list[Take] = []
    for name in wanted.names:
        if name == "cmu" and wanted.cmu_folder is not None:
            found += cmu_folder_takes(wanted.cmu_folder, rejected)
        elif name == STYLE100 and wanted.style100 is not None:
            found += style100_takes(wanted.style100, rejected)
        else:
            found += _checkout_takes(name, wanted, rejected)
    return found


def _checkout_takes(name: str, wanted: Wanted, rejected: Rejected) -> list[Take]:
    found: list[Take] = []
    if name == "bandai":
        found += bandai_takes(wanted.sources, rejected)
    if name == "cmu":
        found += cmu_takes(wanted.sources, rejected, wanted.labels)
    return found + listed_takes(wanted.sources, rejected, name)


def by_rig(takes: Iterable[Take]) -> list[tuple[Rig, list[Take]]]:
    """Takes of one skeleton together, in order of their first."""
    groups: dict[str, tuple[Rig, list[Take]]] = {}
    for take in takes:
        groups.setdefault(take.rig.name, (take.rig, []))[1].append(take)
    return list(groups.values())


def collect(wanted: Wanted) -> tuple[Gathered, dict[str, dict[str, Any]]]:
    """Retarget everything that is wanted; MMMError where nothing is left."""
    # Bandai Namco's set has gestures by the thousand
    gathered = Gathered(wants_gestures="bandai" not in wanted.names)
    calibrations = dict[str, dict[str, Any]]()
    names = [name for name in wanted.names if name != "cmu" or wanted.cmu_folder is None]
    for name in absent_checkouts(wanted.sources, names, wanted.labels):
        print(f"{name} is not under {wanted.sources}: left out.", file=sys.stderr)
    takes = takes_of(wanted, gathered.rejected)
    for name in wanted.names:
        if not any(take.source == name for take in takes):
            print(f"No takes for {name} under {wanted.sources}: left out.", file=sys.stderr)
    for rig, own in by_rig(takes):
        calibration = gather(rig, own, gathered)
        if calibration is None:
            print(f"None of the {rig.name} takes could be read: left out.", file=sys.stderr)
        else:
            calibrations[rig.name] = calibration
    _check(gathered, calibrations, wanted)
    return gathered, calibrations


def _check(gathered: Gathered, calibrations: dict[str, dict[str, Any]], wanted: Wanted) -> None:
    """Name what is left out; MMMError where the rest is wrong or nothing."""
    for name, reason in gathered.rejected.items():
        print(f"left out: {name}: {reason}", file=sys.stderr)
    print(f"{len(gathered.rejected)} files left out", file=sys.stderr)
    wrong = calibration_errors(gathered, calibrations)
    if wrong:
        raise MMMError(" ".join(wrong) + " Nothing was written.")
    if not gathered.clips:
        raise MMMError(
            f"No motion could be read under {wanted.sources} ({len(gathered.rejected)} files left "
            "out); nothing was written: give --sources the folder that holds the checkouts."
        )

"""Whole releases as they come from their publishers: all of CMU, and 100STYLE.

CMU: trials ``SUBJECT_TRIAL.amc`` beside ``SUBJECT.asf``, or ``SUBJECT_TRIAL.bvh`` of the Daz or the
MotionBuilder conversion, in any folders. 100STYLE: ``STYLE_KIND.bvh`` in any folders with
``Frame_Cuts.csv``, which says from where to where a take is motion.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from ...common.errors import MMMError
from .asf_amc import read_amc_source
from .captions import lacking_words
from .label_phrases import lacks_verb
from .rigs import ASF, CMU_DAZ, CMU_MOTION_BUILDER, STYLE100, Rig
from .sources import SourceMotion, read_bvh_source
from .tables import Row, read_table
from .takes import T_POSE_FRAMES, Rejected, Take, reader

TRIALS = Path(__file__).with_name("cmu_trials.csv")
_TRIAL_NAME = re.compile(r"\d+_\d+$")
_FPS, _SLOW_FPS = 120.0, 60.0
_SLOW_SUBJECTS = ("60", "61")  # the salsa dancers; their BVH headers say 120 too

FRAME_CUTS = "Frame_Cuts.csv"
_STYLE_FPS = 60.0
_STYLE_PIECES = 3  # of each take of a minute or two; all of them would be 19 hours
_STYLE_NAME = re.compile(r"(\w+)_(BR|BW|FR|FW|ID|SR|SW|TR\d)$")
_STYLE_CONTENTS = {
    "FW": "walk",
    "BW": "walk-back",
    "SW": "sidestep",
    "FR": "run",
    "BR": "run-back",
    "SR": "sidestep-run",
    "ID": "stand",
    "TR": "walk-around",
}


def cmu_folder_takes(folder: Path, rejected: Rejected, table: Path = TRIALS) -> list[Take]:
    """All trials of a CMU folder that the table of trials describes."""
    labels = {row["trial"]: row["label"] for row in read_table(table, ("trial", "label"))}
    found: dict[str, Take] = {}
    for path in _files(folder, "*.amc") + _files(folder, "*.bvh"):
        name = f"cmu_{path.stem}"
        if _TRIAL_NAME.match(path.stem) is None:
            rejected[name] = "its name is not SUBJECT_TRIAL"
        elif lacks_verb(label := labels.get(path.stem, "")):
            rejected[name] = f"{table.name} has no words for it"
        elif name in found:
            rejected[f"{name}{path.suffix}"] = "another file of the same trial serves"
        elif (take := _cmu_take(name, label, path, rejected)) is not None:
            found[name] = take
    return list(found.values())


def _cmu_take(name: str, label: str, path: Path, rejected: Rejected) -> Take | None:
    fps = _SLOW_FPS if path.stem.split("_")[0] in _SLOW_SUBJECTS else _FPS
    words = (name, "cmu", "cmu", "", label)
    if path.suffix == ".amc":
        skeleton = path.with_name(path.stem.split("_")[0] + ".asf")
        read = reader(lambda motion: read_amc_source(motion, skeleton, fps), path)
        return Take(*words, read, ASF)
    rig = _bvh_rig(path)
    if rig is None:
        rejected[name] = "its joints are those of no known CMU conversion"
        return None
    read = reader(lambda motion: read_bvh_source(motion, fps).drop(T_POSE_FRAMES), path)
    return Take(*words, read, rig)


def _bvh_rig(path: Path) -> Rig | None:
    """Which conversion a BVH file is of, by its joints; None: of none."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            words = [line.split() for line, _ in zip(file, range(1000), strict=False)]
    except OSError:
        return None
    names = {row[1] for row in words if len(row) > 1 and row[0] in ("ROOT", "JOINT")}
    for rig in (CMU_DAZ, CMU_MOTION_BUILDER):
        if {joint for joint in rig.joints() if "/" not in joint} <= names:
            return rig
    return None


def style100_takes(folder: Path, rejected: Rejected) -> list[Take]:
    """All takes of a 100STYLE folder, cut as its table of frames says."""
    cuts = _frame_cuts(folder)
    takes: list[Take] = []
    for path in _files(folder, "*.bvh"):
        name, match = f"100style_{path.stem}", _STYLE_NAME.match(path.stem)
        if match is None:
            rejected[name] = "its name is not STYLE_KIND"
            continue
        style, kind = match.groups()
        content, manner = _STYLE_CONTENTS[kind[:2]], style_name(style)
        if path.stem not in cuts:
            rejected[name] = f"{FRAME_CUTS} has no frames for it"
        elif missing := lacking_words(content, manner):
            rejected[name] = f"captions.toml has no words for '{missing}'"
        else:
            read = reader(_cut(*cuts[path.stem]), path)
            words = (name, "100style", content, manner, "")
            takes.append(Take(*words, read, STYLE100, by_piece=True, most_pieces=_STYLE_PIECES))
    return takes


def style_name(style: str) -> str:
    """ "LimpLeft" as captions name it: "limp-left"; "Neutral" is no manner."""
    words = re.findall(r"[A-Z][a-z0-9]*", style) or [style]
    name = "-".join(word.lower() for word in words)
    return "normal" if name == "neutral" else name


def _frame_cuts(folder: Path) -> dict[str, tuple[int, int]]:
    """First and last frame (exclusive) of each take, by STYLE_KIND."""
    tables = _files(folder, FRAME_CUTS)
    if not tables:
        raise MMMError(f"{folder} holds no {FRAME_CUTS}: give the folder of the whole release.")
    cuts: dict[str, tuple[int, int]] = {}
    for row in read_table(tables[0], ("STYLE_NAME",)):
        for column in row:
            kind = column.removesuffix("_START")
            cut = _numbers(row, kind) if column.endswith("_START") else None
            if cut is not None:
                cuts[f"{row['STYLE_NAME']}_{kind}"] = cut
    return cuts


def _numbers(row: Row, kind: str) -> tuple[int, int] | None:
    """A pair of frames, or None where the table says N/A."""
    try:
        start, stop = int(row[f"{kind}_START"]), int(row[f"{kind}_STOP"])
    except (KeyError, ValueError):
        return None
    return (start, stop) if 0 <= start < stop else None


def _cut(start: int, stop: int) -> Callable[[Path], SourceMotion]:
    def read(path: Path) -> SourceMotion:
        return read_bvh_source(path, _STYLE_FPS).cut(start, stop)

    return read


def _files(folder: Path, pattern: str) -> list[Path]:
    return sorted(folder.rglob(pattern))

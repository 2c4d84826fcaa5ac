"""Which files of the public motion sets are takes, and what their labels say.

What is no take is named too: a file whose name or table row says nothing that captions have words
for, and a row whose file is not there. Nothing is left out in silence.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .asf_amc import read_amc_source
from .captions import lacking_words
from .retarget import FLOOR_PERCENTILE
from .rigs import (
    ASF,
    BANDAI,
    CMU_DAZ,
    DEEPMIMIC,
    REACT_IDLE,
    ROTATION_VECTORS,
    SIDES,
    SKILLMIMIC,
    Rig,
)
from .rotation_vectors import read_rotation_vector_source, read_skillmimic_source
from .sources import SourceMotion, read_bvh_source, read_deepmimic_source
from .tables import Row, read_table

BANDAI_FOLDER = "Bandai-Namco-Research-Motiondataset"
CMU_TABLE = Path(__file__).with_name("cmu_clips.csv")
MORE_TABLE = Path(__file__).with_name("more_clips.csv")
_BANDAI_NAME = re.compile(r"dataset-\d_([a-z-]+)_([a-z-]+)_\d+$")
_COLUMNS = ("repo", "path", "fps", "label")  # of the CMU table
_MORE_COLUMNS = ("source", "repo", "path", "fps", "content", "label", "reject", "same_as")
_DEEPMIMIC_SUFFIX = ".txt"
T_POSE_FRAMES = 8  # the CMU conversion puts a T-pose before each take and eases out of it
_LEAST_FRAMES = 24  # 1.2 s: shorter clips hold no whole gesture ...
_LEAST_GESTURE = 15  # ... but where each file was cut to one
_IDLE_PIECES = 2  # of each two minutes of standing and waiting

PLAIN = "normal"
"""The style of a clip that has none."""


@dataclass(frozen=True)
class Take:
    """One source file.

    read: brings its motion. source, content, style, label: its words. rig: whose joints it has.
    same_as: name of another take that shows the same capture; this one serves where that one was
    rejected. least_frames: shorter clips are rejected, at 20 fps. by_piece: a bad moment costs its
    piece and not the whole of a long take. most_pieces: so many pieces of a take, spread over it,
    are kept (0: all).
    """

    name: str
    source: str
    content: str
    style: str
    label: str
    read: Callable[[], SourceMotion]
    rig: Rig = BANDAI
    same_as: str = ""
    least_frames: int = _LEAST_FRAMES
    by_piece: bool = False
    most_pieces: int = 0


Rejected = dict[str, str]
"""Why a take or file is left out, by its name."""


def bandai_takes(sources: Path, rejected: Rejected) -> list[Take]:
    """The Bandai Namco Research set, whose file names are its labels."""
    takes: list[Take] = []
    for path in sorted((sources / BANDAI_FOLDER).rglob("*.bvh")):
        match = _BANDAI_NAME.match(path.stem)
        if match is None:
            rejected[path.stem] = "its name is not dataset-N_CONTENT_STYLE_NNN"
            continue
        content, style = match.groups()
        if missing := lacking_words(content, style):
            rejected[path.stem] = f"captions.toml has no words for '{missing}'"
            continue
        takes.append(Take(path.stem, "bandai", content, style, "", reader(read_bvh_source, path)))
    return takes


def cmu_takes(sources: Path, rejected: Rejected, table: Path = CMU_TABLE) -> list[Take]:
    """Rows of the CMU table: BVH files and DeepMimic motions."""
    takes: list[Take] = []
    listed: dict[str, set[Path]] = defaultdict(set)
    for row in read_table(table, _COLUMNS):
        folder = folder_of(row)
        path = sources / folder / row["path"]
        listed[folder].add(path)
        name = cmu_name(folder, row["path"])
        if not (sources / folder).is_dir():
            continue  # named once, for the whole checkout
        if reason := _row_error(row, path, table):
            rejected[name] = reason
        elif path.suffix == _DEEPMIMIC_SUFFIX:
            read = reader(read_deepmimic_source, path)
            takes.append(Take(name, "cmu", "cmu", "", row["label"], read, DEEPMIMIC))
        else:
            read = reader(_without_t_pose(float(row["fps"])), path)
            takes.append(Take(name, "cmu", "cmu", "", row["label"], read, CMU_DAZ))
    for folder, paths in listed.items():
        for path in sorted(set((sources / folder).rglob("*.bvh")) - paths):
            rejected[f"cmu_{folder}_{path.stem}"] = f"{table.name} has no row for it"
    return takes


def _row_error(row: Row, path: Path, table: Path) -> str:
    """Why a row of the CMU table is no take; empty where it is."""
    if not path.is_file():
        return f"{table.name} names it, but it is not in the checkout"
    if not row["label"]:
        return f"line {row['line']} of {table.name} gives it no label"
    if path.suffix != _DEEPMIMIC_SUFFIX and not _positive(row["fps"]):
        return f"line {row['line']} of {table.name} gives no frame rate"
    return ""


def listed_takes(
    sources: Path, rejected: Rejected, source: str, table: Path = MORE_TABLE
) -> list[Take]:
    """Rows of the table of further sources that belong to ``source``."""
    takes: list[Take] = []
    for row in _rows_of(source, table):
        path = sources / folder_of(row) / row["path"]
        name = f"{source}_{'_'.join(path.with_suffix('').parts[-3:])}"
        if not (sources / folder_of(row)).is_dir():
            continue
        if row["reject"]:
            rejected[name] = row["reject"]
        elif not path.is_file():
            rejected[name] = f"{table.name} names it, but it is not in the checkout"
        else:
            takes.append(_listed_take(name, row, path))
    return takes


def _listed_take(name: str, row: Row, path: Path) -> Take:
    source, content, fps = row["source"], row["content"], float(row["fps"])
    style = "" if source == "cmu" else PLAIN
    words = (name, source, content, style, row["label"])
    if path.suffix == ".amc":
        # HDM_ACTOR_WHAT_NUMBER.amc stands beside HDM_ACTOR.asf
        skeleton = path.with_name("_".join(path.stem.split("_")[:2]) + ".asf")
        read = reader(lambda motion: read_amc_source(motion, skeleton, fps), path)
        return Take(*words, read, ASF, least_frames=_LEAST_GESTURE)
    if path.suffix == ".pt":
        read = reader(read_skillmimic_source, path)
        return Take(*words, read, SKILLMIMIC, least_frames=_LEAST_GESTURE)
    if path.suffix == ".bvh":
        read = reader(lambda motion: _on_floor(read_bvh_source(motion, fps)), path)
        return Take(*words, read, REACT_IDLE, by_piece=True, most_pieces=_IDLE_PIECES)
    read = reader(lambda motion: read_rotation_vector_source(motion, fps), path)
    return Take(*words, read, ROTATION_VECTORS, same_as=_same_as(row["same_as"]))


def _same_as(path: str) -> str:
    """Name of the take of the CMU table that has this path."""
    rows = read_table(CMU_TABLE, _COLUMNS) if path else []
    return next((cmu_name(folder_of(r), path) for r in rows if r["path"] == path), "")


def _on_floor(motion: SourceMotion) -> SourceMotion:
    """ReActIdle tells the root from where the pelvis rests, so the floor lies far below zero."""
    toes = [motion.positions[REACT_IDLE.on("toe", side)][:, 1] for side in SIDES]
    return motion.lowered(float(np.percentile(np.minimum(*toes), FLOOR_PERCENTILE)))


def absent_checkouts(sources: Path, wanted: Iterable[str], table: Path = CMU_TABLE) -> list[str]:
    """Names of the repositories of the wanted sources that are not under the sources' folder."""
    names = dict.fromkeys(name for source in wanted for name in _checkouts(source, table))
    return [name for name in names if not (sources / name).is_dir()]


def _checkouts(source: str, table: Path) -> Iterator[str]:
    if source == "bandai":
        yield BANDAI_FOLDER
    if source == "cmu":
        yield from (folder_of(row) for row in read_table(table, _COLUMNS))
    yield from (folder_of(row) for row in _rows_of(source, MORE_TABLE))


def _rows_of(source: str, table: Path) -> list[Row]:
    return [row for row in read_table(table, _MORE_COLUMNS) if row["source"] == source]


def folder_of(row: Row) -> str:
    """The checkout's folder, named as the repository is."""
    return row["repo"].rpartition("/")[2]


def cmu_name(folder: str, path: str) -> str:
    """A take's name, from its place."""
    return f"cmu_{folder}_{path.replace('/', '_')}".removesuffix(Path(path).suffix)


def _positive(text: str) -> bool:
    try:
        return float(text) > 0
    except ValueError:
        return False


def reader(read: Callable[[Path], SourceMotion], path: Path) -> Callable[[], SourceMotion]:
    """A call without arguments that reads this file."""
    return lambda: read(path)


def _without_t_pose(fps: float) -> Callable[[Path], SourceMotion]:
    return lambda path: read_bvh_source(path, fps).drop(T_POSE_FRAMES)

"""Which files of the public motion sets are takes, and what their labels say.

What is no take is told too: a file whose name or table row says nothing that captions have words
for, and a row whose file is not there. Nothing is left out in silence.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ...common.errors import MMMError
from .captions import lacking_words
from .sources import SourceMotion, read_bvh_source, read_deepmimic_source

BANDAI_FOLDER = "Bandai-Namco-Research-Motiondataset"
CMU_TABLE = Path(__file__).with_name("cmu_clips.csv")
_BANDAI_NAME = re.compile(r"dataset-\d_([a-z-]+)_([a-z-]+)_\d+$")
_COLUMNS = ("repo", "path", "fps", "label")  # of the CMU table
_DEEPMIMIC_SUFFIX = ".txt"
_T_POSE_FRAMES = 8  # the CMU conversion puts a T-pose before each take and eases out of it


@dataclass(frozen=True)
class Take:
    """One source file. read: brings its motion. source, content, style, label: its words."""

    name: str
    source: str
    content: str
    style: str
    label: str
    read: Callable[[], SourceMotion]


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
        takes.append(Take(path.stem, "bandai", content, style, "", _reader(read_bvh_source, path)))
    return takes


def cmu_takes(sources: Path, rejected: Rejected, table: Path = CMU_TABLE) -> dict[str, list[Take]]:
    """Rows of the CMU table by kind of file, "cmu" (BVH) and "deepmimic"."""
    takes: dict[str, list[Take]] = {"cmu": [], "deepmimic": []}
    listed: dict[str, set[Path]] = defaultdict(set)
    for number, row in enumerate(_rows(table), start=2):
        folder = row["repo"].rpartition("/")[2]
        path = sources / folder / row["path"]
        listed[folder].add(path)
        name = f"cmu_{folder}_{row['path'].replace('/', '_')}".removesuffix(path.suffix)
        if not (sources / folder).is_dir():
            continue  # told once, for the whole checkout
        if not path.is_file():
            rejected[name] = f"{table.name} names it, but it is not in the checkout"
        elif not row["label"]:
            rejected[name] = f"line {number} of {table.name} gives it no label"
        elif path.suffix == _DEEPMIMIC_SUFFIX:
            read = _reader(read_deepmimic_source, path)
            takes["deepmimic"].append(Take(name, "cmu", "cmu", "", row["label"], read))
        elif (fps := _positive(row["fps"])) is None:
            rejected[name] = f"line {number} of {table.name} gives no frame rate"
        else:
            read = _reader(_without_t_pose(fps), path)
            takes["cmu"].append(Take(name, "cmu", "cmu", "", row["label"], read))
    for folder, paths in listed.items():
        for path in sorted(set((sources / folder).rglob("*.bvh")) - paths):
            rejected[f"cmu_{folder}_{path.stem}"] = f"{table.name} has no row for it"
    return takes


def absent_checkouts(sources: Path, table: Path = CMU_TABLE) -> list[str]:
    """Names of the repositories that are not under the sources' folder."""
    wanted = dict.fromkeys([BANDAI_FOLDER, *(r["repo"].rpartition("/")[2] for r in _rows(table))])
    return [name for name in wanted if not (sources / name).is_dir()]


def _rows(table: Path) -> list[dict[str, str]]:
    try:
        with table.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            columns = reader.fieldnames or []
            rows = [{k: (v or "").strip() for k, v in row.items() if k} for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise MMMError(f"{table} is no readable label table ({error}).") from error
    if missing := [name for name in _COLUMNS if name not in columns]:
        raise MMMError(
            f"{table} has no column {' and no column '.join(missing)}: it must have the columns "
            f"{', '.join(_COLUMNS)}."
        )
    return rows


def _positive(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if number > 0 else None


def _reader(read: Callable[[Path], SourceMotion], path: Path) -> Callable[[], SourceMotion]:
    return lambda: read(path)


def _without_t_pose(fps: float) -> Callable[[Path], SourceMotion]:
    return lambda path: read_bvh_source(path, fps).drop(_T_POSE_FRAMES)

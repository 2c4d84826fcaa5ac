"""A person's HumanML3D or KIT-ML folder: motions, captions and the split.

    FOLDER/new_joint_vecs/NAME.npy    features (T, 263) or (T, 251)
    FOLDER/texts/NAME.txt             a caption a line: text#word/TAG word/TAG ...#start#end
    FOLDER/test.txt                   names, one a line (train.txt and val.txt likewise)

A caption with a time range describes that piece alone. What cannot be read is counted by reason
and skipped, never taken for a motion.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...common.arrays import AnyArray
from ...common.errors import MMMError
from ...motion.features.layout import HUMANML3D_263, KIT_251, FeatureLayout
from .evaluator import FRAMES_PER_STEP
from .word_vectors import Word

_LEAST_FRAMES = {HUMANML3D_263.name: 40, KIT_251.name: 24}
_TOO_LONG = 200  # frames; the field leaves such motions out
_PARTS = 4  # of a line, between number signs


@dataclass(frozen=True)
class Caption:
    """A sentence, its tagged words, and the seconds that it describes (0, 0: all)."""

    text: str
    words: tuple[Word, ...]
    start: float = 0.0
    end: float = 0.0


@dataclass(frozen=True, eq=False)
class Item:
    """A motion's features (T, C), T whole steps of four frames, with the captions of it."""

    name: str
    features_TC: AnyArray
    captions: tuple[Caption, ...]


@dataclass(frozen=True, eq=False)
class Folder:
    """The items of a split. skipped: how many were left out, by reason."""

    layout: FeatureLayout
    items: list[Item]
    skipped: Counter[str] = field(default_factory=Counter[str])


def read_folder(folder: Path, split: str = "test") -> Folder:
    """Read a split; MMMError where the folder is none or holds no usable motion."""
    try:
        names = (folder / f"{split}.txt").read_text(encoding="utf-8").split()
    except OSError as error:
        raise MMMError(
            f"{folder / f'{split}.txt'} cannot be read ({error.strerror}): choose a HumanML3D or "
            "KIT-ML folder with its split files."
        ) from error
    skipped: Counter[str] = Counter()
    items: list[Item] = []
    layout: FeatureLayout | None = None
    for name in names:
        features = _features(folder / "new_joint_vecs" / f"{name}.npy", skipped)
        captions = _captions(folder / "texts" / f"{name}.txt", skipped)
        if features is None or not captions:
            continue
        layout = layout or _layout_of(features, folder)
        items += _items(name, features, captions, layout, skipped)
    if layout is None or not items:
        raise MMMError(f"{folder} holds no usable motion of {split}.txt ({_told(skipped)}).")
    return Folder(layout, items, skipped)


def _told(skipped: Counter[str]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in skipped.items()) or "it is empty"


def _layout_of(features_TC: AnyArray, folder: Path) -> FeatureLayout:
    for layout in (HUMANML3D_263, KIT_251):
        if features_TC.shape[1] == layout.channels:
            return layout
    raise MMMError(
        f"The motions in {folder} have {features_TC.shape[1]} channels: choose a folder of "
        f"HumanML3D ({HUMANML3D_263.channels}) or KIT-ML ({KIT_251.channels})."
    )


def _features(path: Path, skipped: Counter[str]) -> AnyArray | None:
    try:
        features = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        skipped["unreadable motions"] += 1
        return None
    if features.ndim != 2 or not np.isfinite(features).all():
        skipped["motions with numbers that are none"] += 1
        return None
    return features.astype(np.float32)


def _captions(path: Path, skipped: Counter[str]) -> list[Caption]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        skipped["motions without captions"] += 1
        return []
    captions: list[Caption] = []
    for line in filter(str.strip, lines):
        caption = _caption(line)
        if caption is None:
            skipped["broken captions"] += 1
        else:
            captions.append(caption)
    return captions


def _caption(line: str) -> Caption | None:
    parts = line.strip().split("#")
    if len(parts) != _PARTS:
        return None
    words = [tuple(word.rsplit("/", 1)) for word in parts[1].split()]
    tagged = tuple((word[0], word[1]) for word in words if len(word) == 2)
    try:
        start, end = (_seconds(part) for part in parts[2:])
    except ValueError:
        return None
    return Caption(parts[0], tagged, start, end) if tagged else None


def _seconds(text: str) -> float:
    value = float(text)
    return 0.0 if math.isnan(value) else value


def _items(
    name: str,
    features_TC: AnyArray,
    captions: list[Caption],
    layout: FeatureLayout,
    skipped: Counter[str],
) -> list[Item]:
    """The whole motion with the captions of all of it, and a piece for each other caption."""
    whole = tuple(c for c in captions if c.start == c.end == 0)
    found = [(name, features_TC, whole)] if whole else []
    for at, caption in enumerate(captions):
        if caption not in whole:
            first, last = (int(seconds * layout.fps) for seconds in (caption.start, caption.end))
            found.append((f"{name}@{at}", features_TC[first:last], (caption,)))
    items: list[Item] = []
    for piece_name, piece, sentences in found:
        if not _LEAST_FRAMES[layout.name] <= len(piece) < _TOO_LONG:
            skipped["motions too short or too long"] += 1
            continue
        frames = len(piece) - len(piece) % FRAMES_PER_STEP
        items.append(Item(piece_name, piece[:frames], sentences))
    return items

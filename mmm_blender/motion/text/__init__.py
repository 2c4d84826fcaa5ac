"""From prompts to the features that condition the motion model.

Two encoders stand behind one protocol: a small student that travels inside a bundle, and CLIP's
text tower for bundles made from published checkpoints, read from a folder that the person has.
What runs them is in ``runtime``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ...common.arrays import BoolArray
from ...common.errors import MMMError
from ...common.untrusted import at_home, lies_inside

# Where a bundle keeps its student, unless its config names another folder.
STUDENT_FOLDER = "text"

STUDENT, CLIP = "student", "clip"
"""What a bundle's ``text`` section may ask for."""

CLIP_FOLDER = "a folder that holds CLIP ViT-B/32's model.safetensors and merges.txt"
"""What a person is asked for where CLIP is needed."""


@dataclass(frozen=True, eq=False)
class TextFeatures:
    """What an encoder says of B prompts: C channels, W word places."""

    sentence_BC: npt.NDArray[np.float32]
    words_BWC: npt.NDArray[np.float32]
    word_mask_BW: BoolArray  # True where a place holds a word of the prompt

    @property
    def first(self) -> TextFeatures:
        """The first prompt alone."""
        return TextFeatures(self.sentence_BC[:1], self.words_BWC[:1], self.word_mask_BW[:1])

    def repeated(self, times: int) -> TextFeatures:
        """The same texts so many times, one batch behind the other."""
        return TextFeatures(
            np.tile(self.sentence_BC, (times, 1)),
            np.tile(self.words_BWC, (times, 1, 1)),
            np.tile(self.word_mask_BW, (times, 1)),
        )


class TextEncoder(Protocol):
    """Anything that turns prompts into features, in float32."""

    @property
    def width(self) -> int:
        """C, the channels of the sentence and of every word."""
        ...

    def encode(self, prompts: Sequence[str]) -> TextFeatures:
        """Encode B prompts at once; places behind the shorter ones are masked."""
        ...


def encoder_kind(bundle_dir: Path, config: Mapping[str, Any]) -> str:
    """STUDENT or CLIP, as a bundle's ``text`` section says; MMMError for anything else."""
    kind = config.get("kind")
    if kind not in (STUDENT, CLIP):
        raise MMMError(
            f"The weights folder {bundle_dir.name} asks for the text encoder {kind!r}, which this "
            f"version does not know; it knows {STUDENT}, {CLIP}."
        )
    return str(kind)


def student_folder(bundle_dir: Path, config: Mapping[str, Any]) -> Path:
    """The folder of a bundle's student, which lies inside the bundle."""
    folder = str(config.get("folder", STUDENT_FOLDER))
    if not lies_inside(bundle_dir, folder):
        raise MMMError(
            f"The weights folder {bundle_dir.name} names a text folder outside its own: get it "
            "again."
        )
    return bundle_dir / folder


def clip_folder(bundle_dir: Path, config: Mapping[str, Any]) -> Path:
    """The person's folder of CLIP ViT-B/32 (relative: to the bundle)."""
    folder = config.get("folder")
    if not folder:
        raise MMMError(
            f"The weights folder {bundle_dir.name} was imported without CLIP ViT-B/32, which it "
            f"needs to read prompts: import its checkpoint again with --clip FOLDER, {CLIP_FOLDER}."
        )
    return bundle_dir / at_home(Path(str(folder)))

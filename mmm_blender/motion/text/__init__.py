"""From prompts to the features that condition the motion model.

Two encoders stand behind one protocol: a small student that travels inside a bundle, and CLIP's
text tower for bundles made from published checkpoints, read from a folder that the person has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ...common.errors import MMMError
from ...common.untrusted import lies_inside

if TYPE_CHECKING:
    import torch
    from torch import Tensor

# Where a bundle keeps its student, unless its config names another folder.
STUDENT_FOLDER = "text"

CLIP_FOLDER = "a folder that holds CLIP ViT-B/32's model.safetensors and merges.txt"
"""What a person is asked for where CLIP is needed."""


@dataclass(frozen=True, eq=False)
class TextFeatures:
    """What an encoder says of B prompts: C channels, W word places."""

    sentence_BC: Tensor
    words_BWC: Tensor
    word_mask_BW: Tensor  # bool, True where a place holds a word of the prompt

    def to(self, device: torch.device | str) -> TextFeatures:
        """Give the same features on another device."""
        return TextFeatures(
            self.sentence_BC.to(device), self.words_BWC.to(device), self.word_mask_BW.to(device)
        )


class TextEncoder(Protocol):
    """Anything that turns prompts into features, in float32 and without gradients."""

    @property
    def width(self) -> int:
        """C, the channels of the sentence and of every word."""
        ...

    def encode(self, prompts: Sequence[str]) -> TextFeatures:
        """Encode B prompts at once; places behind the shorter ones are masked."""
        ...


def load_text_encoder(
    bundle_dir: Path, config: Mapping[str, object], device: torch.device | str = "cpu"
) -> TextEncoder:
    """Load the encoder that a bundle's ``text`` section asks for.

    ``{"kind": "student", "folder": "text"}`` lies inside the bundle; ``{"kind": "clip",
    "folder": PATH}`` is CLIP ViT-B/32 in a folder of the person's own (relative: to the bundle).
    """
    loaders: dict[object, Callable[..., TextEncoder]] = {
        "student": _load_student,
        "clip": _load_clip,
    }
    kind = config.get("kind")
    if kind not in loaders:
        raise MMMError(
            f"The bundle {bundle_dir.name} asks for the text encoder {kind!r}, which this version "
            f"does not know; it knows {', '.join(map(str, loaders))}."
        )
    return loaders[kind](bundle_dir, config, device)


# The encoders are imported when they are asked for: the protocol alone needs no torch.
def _load_student(
    bundle_dir: Path, config: Mapping[str, object], device: torch.device | str
) -> TextEncoder:
    from ..networks.text.student import StudentTextEncoder  # noqa: PLC0415

    folder = str(config.get("folder", STUDENT_FOLDER))
    if not lies_inside(bundle_dir, folder):
        raise MMMError(
            f"The bundle {bundle_dir.name} names a text folder outside its own: get it again."
        )
    return StudentTextEncoder.load(bundle_dir / folder, device)


def _load_clip(
    bundle_dir: Path, config: Mapping[str, object], device: torch.device | str
) -> TextEncoder:
    try:
        from ..networks.text.clip import ClipTextEncoder  # noqa: PLC0415
    except ImportError as error:
        raise MMMError(
            f"CLIP needs the package {error.name}, which the worker's Python lacks: run Set up "
            "again, or install ftfy and regex there."
        ) from error

    folder = config.get("folder")
    if not folder:
        raise MMMError(
            f"The bundle {bundle_dir.name} was imported without CLIP ViT-B/32, which it needs to "
            f"read prompts: import its checkpoint again with --clip FOLDER, {CLIP_FOLDER}."
        )
    return ClipTextEncoder.load(bundle_dir / Path(str(folder)).expanduser(), device)

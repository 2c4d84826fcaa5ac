"""What a bundle can make, as its config.json says it to those who do not build its networks.

Saving a bundle writes these facts; the worker and Blender's panels read the same ones. Nothing here
needs torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from ..common.errors import MMMError
from ..common.schema import from_json
from ..geometry.conventions import MODEL_FPS
from ..geometry.editing.edit_mask import BodyPart

LIMITS_KEY = "limits"

# of bundles that were saved before limits were written
_OLD_LAYOUTS_AT_MODEL_RATE = ("smpl_269", "humanml3d_263")
_MOST_OLD_STAGES = 8


@dataclass(frozen=True)
class BundleLimits:
    """What a bundle can make.

    min_seconds: length of the shortest clip. max_seconds: length of the longest clip.
    edits: body parts of a mask that it can regenerate, among "all", "lower" and "upper".
    """

    min_seconds: float
    max_seconds: float
    edits: tuple[str, ...]


def editable_parts(parts: Iterable[str], predicted: Iterable[str]) -> tuple[BodyPart, ...]:
    """Body parts of a mask whose columns are all predicted; one column for the whole body makes the
    whole body only.

    parts: of the tokenizer. predicted: those with a logit head.
    """
    own, known = frozenset(parts), frozenset(predicted)
    if "all" in own:
        return ("all",) if "all" in known else ()
    needed: dict[BodyPart, frozenset[str]] = {
        "all": own,
        "lower": frozenset({"lower"}),
        "upper": own - {"lower"},
    }
    return tuple(part for part, columns in needed.items() if columns <= known)


def longest_seconds(seq_len: int, frames_per_token: int, fps: float) -> float:
    """Of a clip that fills the token grid but for END. seq_len: of the transformer."""
    return (seq_len - 1) * frames_per_token / fps


def read_limits(config: Mapping[str, Any]) -> BundleLimits | None:
    """The limits in a bundle's config.json; None where only the worker can say.

    A bundle that was saved before they were written has the sizes that they follow from.
    """
    try:
        if LIMITS_KEY in config:
            return from_json(BundleLimits, config[LIMITS_KEY], LIMITS_KEY)
        return _old_limits(config)
    except (MMMError, KeyError, TypeError, ValueError, AttributeError):
        return None


def _old_limits(config: Mapping[str, Any]) -> BundleLimits | None:
    tokenizer, transformer = config["tokenizer"], config["transformer"]
    stages, seq_len = tokenizer["stages"], transformer["places"]
    if tokenizer["layout"] not in _OLD_LAYOUTS_AT_MODEL_RATE:
        return None
    if type(stages) is not int or type(seq_len) is not int or not 1 <= stages <= _MOST_OLD_STAGES:
        return None
    parts = cast("list[str]", tokenizer["parts"])
    return BundleLimits(
        float(config.get("min_seconds", 0.0)),
        longest_seconds(seq_len, 1 << stages, MODEL_FPS),
        editable_parts(parts, transformer.get("predicted_parts") or parts),
    )

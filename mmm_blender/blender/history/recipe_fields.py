"""What the fields of a recipe's steps may hold: a file that somebody sent can hold anything.

Types are checked where the recipe is read; here stand the ranges, after Blender's own limits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, Final, TypeAlias, cast

from ...common.errors import MMMError
from ...common.untrusted import LAST_FRAME, clean_text, is_frame, is_text
from ...geometry.resample import MOST_FRAMES
from ...geometry.skeleton import SMPL_22

MOST_STEPS: Final = 10_000
"""Of a recipe."""

_MOST_FPS = 32_767.0  # Blender's own bound
_LEAST_SECONDS = 1e-3
_MOST_SECONDS = 10_000.0
_MOST_METRES = 1e6
_MOST_SEED = 2**63 - 1
_MOST_PROMPT = 10_000
MOST_PACKED: Final = 2**27
_MOST_CURVES = 64  # of a property of a bone
_MOST_KEYS = 2**24
_SHOWN = 40
_PLACEMENT = ["x", "yaw", "z"]

_Check: TypeAlias = Callable[[Any], bool]


def check_fields(step: Any) -> None:
    """MMMError for a field of a step, or of its origin, that no step of ours has."""
    for each in fields(step):
        value = getattr(step, each.name)
        if each.name in _FITS and not _FITS[each.name](value):
            raise MMMError(
                f"The Action's recipe holds {clean_text(value, _SHOWN)} as its {each.name}, which "
                "MMM never writes: do not trust the file."
            )
    _check_together(step)


def _check_together(step: Any) -> None:
    """MMMError where fields that are fit do not fit each other."""
    seconds, is_on_path = getattr(step, "seconds", 1.0), "path" in getattr(step, "conditions", {})
    lengths = cast("tuple[float, ...]", seconds if isinstance(seconds, tuple) else (seconds,))
    # at its own pace along a path, a motion has no length of its own
    if min(lengths, default=1.0) < (0.0 if is_on_path else _LEAST_SECONDS):
        raise MMMError("The Action's recipe is damaged (a motion without a length).")
    if hasattr(step, "prompts"):
        lengths = {len(step.prompts), len(step.seconds), len(step.seeds)}
        if len(lengths) != 1 or 0 in lengths:
            raise MMMError("The Action's recipe is damaged (each prompt has a length and a seed).")
    if hasattr(step, "fps") and step_frames(step) > MOST_FRAMES:
        raise MMMError(f"The Action's recipe asks for more than {MOST_FRAMES} frames.")
    if getattr(step, "first", 0) > getattr(step, "last", 0):
        raise MMMError("The Action's recipe is damaged (a range ends before it starts).")


def step_frames(step: Any) -> float:
    """Scene frames that a step is about."""
    seconds = getattr(step, "seconds", 0.0)
    total = sum(cast("tuple[float, ...]", seconds)) if isinstance(seconds, tuple) else seconds
    return max(float(total) * step.fps, getattr(step, "last", 0) - getattr(step, "first", 0))


def _number(least: float, most: float) -> _Check:
    return lambda value: (
        isinstance(value, int | float) and math.isfinite(value) and least <= value <= most
    )


def _whole(most: int) -> _Check:
    return lambda value: type(value) is int and 0 <= value <= most


def _each(check: _Check) -> _Check:
    """One, or all of several."""
    return lambda value: all(map(check, cast(Any, value) if isinstance(value, tuple) else (value,)))


def _is_name(value: object) -> bool:
    return is_text(value, _MOST_PROMPT)


def _is_packed(value: object) -> bool:
    return isinstance(value, str) and len(value) <= MOST_PACKED and value.isascii()


def _is_placement(value: Mapping[str, Any]) -> bool:
    metres = _number(-_MOST_METRES, _MOST_METRES)
    return sorted(value) == _PLACEMENT and all(map(metres, value.values()))


def _is_held(value: Mapping[str, Any]) -> bool:
    frame = _number(-LAST_FRAME, LAST_FRAME)
    known = all(joint in SMPL_22.names for joint in value)
    return known and all(
        isinstance(frames, list) and all(map(frame, cast("list[Any]", frames)))
        for frames in value.values()
    )


def _is_replaced(value: Mapping[str, Any]) -> bool:
    return all(
        isinstance(pair, list) and len(cast("list[Any]", pair)) == 2 and all(map(_is_packed, pair))
        for pair in value.values()
    )


def _are_counts(value: Mapping[str, Any]) -> bool:
    """Lists of numbers of keys, -1 for no curve."""
    return all(
        isinstance(counts, list)
        and len(cast("list[Any]", counts)) <= _MOST_CURVES
        and all(type(n) is int and -1 <= n <= _MOST_KEYS for n in cast("list[Any]", counts))
        for counts in value.values()
    )


_FITS: Mapping[str, _Check] = {
    **dict.fromkeys(("prompt", "prompts"), _each(_is_name)),
    **dict.fromkeys(
        ("rig", "bundle", "bundle_hash", "device", "torch_version", "addon_version"), _is_name
    ),
    "root": lambda value: value in ("", "HIPS", "ROOT", "OBJECT"),
    "seconds": _each(_number(0.0, _MOST_SECONDS)),
    **dict.fromkeys(("seed", "seeds"), _each(_whole(_MOST_SEED))),
    "threads": _whole(2**20),
    "fps": _number(1e-3, _MOST_FPS),
    "placement": _is_placement,
    "part": lambda value: value in ("all", "upper", "lower"),
    **dict.fromkeys(("start_frame", "first", "last", "behind", "shift", "input_start"), is_frame),
    "index": _whole(MOST_STEPS),
    **dict.fromkeys(("tokens", "mask", "input", "motion"), _is_packed),
    "loop_span": lambda value: len(value) in (0, 2) and _each(_whole(MOST_FRAMES))(value),
    "tolerance": lambda value: len(value) in (0, 2) and _each(_number(1e-6, math.pi))(value),
    "held": _is_held,
    "replaced": _is_replaced,
    "bones": _each(_is_name),
    **dict.fromkeys(("curves", "frames"), lambda value: all(map(_is_packed, value.values()))),
    "counts": _are_counts,
    "keys": _is_packed,
}
"""By the fields' names, which mean the same in every step."""

"""A part of a motion made anew: any frames, any body part, everything else kept bit for bit.

What is masked is first filled from what is kept, so that the tokenizer hears nothing of it; the
masked cells of the token grid are sampled with what lies on both sides as context; and what they
decode to is led to where the kept motion goes on.

L token places, P columns of the grid, T frames.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...common.arrays import BoolArray, IntArray
from ...common.errors import MMMError
from ...geometry.clip import MotionClip
from ...geometry.editing.edit_mask import EditMask
from ...geometry.editing.mask_infill import fill_masked
from ...geometry.editing.path_correction import Arrival, GroundMove, arrive, carry_after
from ...geometry.editing.seam_blending import meet
from ...geometry.feet.contacts import CONTACT_JOINTS
from ...geometry.kinematics import clip_joints
from ...geometry.resample import resample
from ...geometry.skeleton import LOWER_JOINTS, SOLE_HEIGHT
from ..config import SamplerConfig
from ..motion_model import MotionModel
from .decoding import decode_tokens, encode_tokens, pinned
from .request_validation import check_prompt, check_seed, replayed_tokens
from .token_cells import Places, token_cells
from .windows import WindowFiller, plan_windows

_FLOOR_TOLERANCE = 0.1
"""A motion whose lowest foot is within this of y = 0 stands on that floor, metres; another one
stands where its lowest foot is."""

_LEGS = [joint for joint in LOWER_JOINTS if joint != 0]


@dataclass(frozen=True, eq=False)
class EditRequest:
    """What is to be made anew in a motion.

    clip: the motion, at any rate, with frames (of any content) where it is to grow. mask: the cells
    to make. prompt: "" for what fits in without a text. sampler: None for the bundle's own.
    moves_after: the motion may end elsewhere than the kept frames behind the mask begin. tokens_LP:
    of an earlier result, which is then decoded again without sampling.
    """

    clip: MotionClip
    mask: EditMask
    prompt: str = ""
    seed: int = 0
    sampler: SamplerConfig | None = None
    pin_feet: bool = True
    moves_after: bool = False
    tokens_LP: IntArray | None = None


@dataclass(frozen=True, eq=False)
class EditResult:
    """The motion with the masked cells made anew, and what it takes to make it again.

    clip: as long as it was and at its rate; every kept cell is bit for bit what it was.
    ground_move: carries the kept frames behind the mask to where the motion arrives (moves_after).
    notes: sentences for the person, of what could not be met.
    """

    clip: MotionClip
    tokens_LP: IntArray
    sampler: SamplerConfig
    seed: int
    ground_move: GroundMove
    notes: tuple[str, ...]


def edit_motion(filler: WindowFiller, request: EditRequest) -> EditResult:
    """The edited motion; MMMError for a request that cannot be met, Cancelled when asked to stop.

    Only the motion around the mask is looked at, so the cost does not grow with the clip.
    """
    model = filler.model
    _check(model, request)
    near = _surroundings(model, request)
    kept = request.clip.slice(near.start, near.stop)
    mask = EditMask(request.mask.rotations_TJ[near], request.mask.root_T[near])
    kept = fill_masked(kept, mask)  # from here on nobody hears of what is masked
    floor = floor_height(kept)
    kept = _raised(kept, -floor)
    if request.tokens_LP is None:
        tokens_LP = _sampled(filler, request, kept, mask)
    else:
        shape = (len(Places.of(kept.frames, kept.fps, model.tokenizer.config)), len(model.columns))
        tokens_LP = replayed_tokens(request.tokens_LP, shape, model.vocabulary.codes)
    made = resample(decode_tokens(model, tokens_LP), kept.fps).slice(0, kept.frames)
    arrival = arrive(made, kept, mask, request.moves_after)
    clip, notes = _led(arrival, kept, mask, request.pin_feet)
    return EditResult(
        _with_kept_cells(
            request, _raised(clip, floor).replace(twist_estimated=made.twist_estimated), near
        ),
        tokens_LP.numpy(),
        filler.sampler,
        request.seed,
        arrival.ground_move,
        _strain(arrival) + notes,
    )


def _check(model: MotionModel, request: EditRequest) -> None:
    check_prompt(request.prompt, may_be_empty=True)
    check_seed(request.seed)
    if request.mask.frames != request.clip.frames:
        raise ValueError(f"a mask of {request.mask.frames} frames, a clip of {request.clip.frames}")
    mask = request.mask
    both = mask.touches_lower and mask.touches_upper
    wanted = "all" if both else "lower" if mask.touches_lower else "upper"
    possible = model.editable_parts
    if wanted not in possible:
        names = {"all": "whole", "lower": "lower", "upper": "upper"}
        raise MMMError(
            f"This bundle edits the {' or '.join(names[part] for part in possible)} body, not the "
            f"{names[wanted]} body: choose another bundle or body part."
        )


def _surroundings(model: MotionModel, request: EditRequest) -> slice:
    """Frames that the edit looks at: the masked ones and a window's length on both sides."""
    config = model.tokenizer.config
    seconds = (model.places - 1) * config.frames_per_token / config.feature_layout.fps
    reach = math.ceil(seconds * request.clip.fps)
    return slice(
        max(0, request.mask.start - reach), min(request.clip.frames, request.mask.stop + reach)
    )


def floor_height(clip: MotionClip) -> float:
    """Height of the floor that a motion stands on, metres."""
    lowest = float(clip_joints(clip)[:, CONTACT_JOINTS, 1].min()) - SOLE_HEIGHT
    return lowest if abs(lowest) > _FLOOR_TOLERANCE else 0.0


def _raised(clip: MotionClip, height: float) -> MotionClip:
    return clip.replace(root_T3=clip.root_T3 + np.array([0.0, height, 0.0]))


def _sampled(
    filler: WindowFiller, request: EditRequest, kept: MotionClip, mask: EditMask
) -> Tensor:
    """Tokens (L, P) of the motion with the masked cells filled, window by window."""
    model = filler.model
    mask_LP = token_cells(mask, kept.fps, model.tokenizer.config)
    tokens_LP = encode_tokens(model, kept, len(mask_LP))
    open_LP = torch.from_numpy(mask_LP)
    windows = plan_windows(mask_LP.any(axis=1), model.places - 1)
    generators = [torch.Generator().manual_seed(request.seed)]
    for index, window in enumerate(windows):
        part = filler.part(index, len(windows))
        tokens_LP = part.fill(tokens_LP, open_LP, [window], [request.prompt], generators)
        open_LP[window.fill_start : window.fill_stop] = False
    return tokens_LP


def _led(
    arrival: Arrival, kept: MotionClip, mask: EditMask, pin_feet: bool
) -> tuple[MotionClip, tuple[str, ...]]:
    """The motion led into what is kept on both sides, feet in place; sentences of what failed."""
    met = meet(arrival.clip, carry_after(kept, mask.stop, arrival.ground_move), mask)
    if not (pin_feet and mask.touches_lower):
        return met, ()
    return pinned(met, _free_legs(mask))


def _free_legs(mask: EditMask) -> BoolArray:
    """Frames whose legs are made anew, all of their joints. (T,)."""
    return mask.rotations_TJ[:, _LEGS].all(axis=1)


def _with_kept_cells(request: EditRequest, made: MotionClip, near: slice) -> MotionClip:
    """The request's clip with its masked cells from ``made``, which covers the frames ``near``."""
    clip, mask = request.clip, request.mask
    rotations_TJ4, root_T3 = clip.rotations_TJ4.copy(), clip.root_T3.copy()
    masked_TJ1, masked_T1 = mask.rotations_TJ[near][..., None], mask.root_T[near][:, None]
    rotations_TJ4[near] = np.where(masked_TJ1, made.rotations_TJ4, rotations_TJ4[near])
    root_T3[near] = np.where(masked_T1, made.root_T3, root_T3[near])
    return clip.replace(
        rotations_TJ4=rotations_TJ4,
        root_T3=root_T3,
        twist_estimated=clip.twist_estimated or made.twist_estimated,
    )


def _strain(arrival: Arrival) -> tuple[str, ...]:
    """What to tell of a motion that has to be moved far over its own steps to arrive."""
    if not arrival.strained:
        return ()
    return (
        f"To arrive where the motion goes on, the body is moved by {arrival.speed_mps:.2f} m/s and "
        f"turned by {arrival.turn_rate_dps:.0f} degrees/s over its own steps: choose a longer "
        "range or a prompt that leads there.",
    )

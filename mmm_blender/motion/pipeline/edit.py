"""A part of a motion regenerated: any frames, any body part, everything else kept bit for bit.

What is masked is first filled from what is kept, so that the tokenizer hears nothing of it; the
masked cells of the token grid are sampled with what lies on both sides as context; and what they
decode to is led to where the kept motion goes on.

L token places, P columns of the grid, T frames.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ...common.arrays import BoolArray, IntArray
from ...common.errors import MMMError
from ...geometry.clip import MotionClip
from ...geometry.editing.edit_mask import EditMask
from ...geometry.editing.limb_pins import LimbsPinned, Pin, pin_limbs
from ...geometry.editing.mask_infill import fill_masked
from ...geometry.editing.path_correction import Arrival, GroundMove
from ...geometry.feet.contacts import CONTACT_JOINTS
from ...geometry.feet.foot_plants import standing_contacts
from ...geometry.feet.footsteps import lead_in_steps
from ...geometry.feet.leg_ik import leg_joints
from ...geometry.ground_path import GroundPath
from ...geometry.kinematics import clip_joints
from ...geometry.skeleton import LOWER_JOINTS, SOLE_HEIGHT
from ...prompts.claims import claims_of, hand_claims, upper_claims
from ..config import SamplerConfig
from ..motion_model import MotionModel
from .candidates import EDIT_CANDIDATES, most_tries
from .decoding import pinned
from .edit_tokens import EditJob, Placed, sampled_tokens
from .obedience import unmet_note
from .path_following import path_notes
from .previews import Decode, Previews
from .request_validation import check_prompt, check_seed, replayed_tokens
from .token_cells import Places
from .windows import WindowFiller

Sample = Callable[[WindowFiller, EditJob], IntArray]
"""Gives the tokens (L, P) of an edit with its masked cells filled."""

_FLOOR_TOLERANCE = 0.1
"""A motion whose lowest foot is within this of y = 0 stands on that floor, metres; another one
stands where its lowest foot is."""

_LEGS = [joint for joint in LOWER_JOINTS if joint != 0]


@dataclass(frozen=True, eq=False)
class EditRequest:
    """What is to be regenerated in a motion.

    clip: the motion, at any rate, with frames (of any content) where it is to grow. mask: the cells
    to make. prompt: "" for what fits in without a text. sampler: None for the bundle's own.
    moves_after: the motion may end elsewhere than the kept frames behind the mask begin. tokens_LP:
    of an earlier result, which is then decoded again without sampling. path: that the root takes,
    in the clip's space; its times count from the span's start. pins: targets of hands, feet and
    head, which change the masked frames alone. joins: where motions are joined that are made one
    by one, in the clip's seconds.
    """

    clip: MotionClip
    mask: EditMask
    prompt: str = ""
    seed: int = 0
    sampler: SamplerConfig | None = None
    pin_feet: bool = True
    moves_after: bool = False
    tokens_LP: IntArray | None = None
    path: GroundPath | None = None
    pins: tuple[Pin, ...] = ()
    joins: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class EditResult:
    """The motion with the masked cells regenerated, and what it takes to make it again.

    clip: as long as it was and at its rate; every kept cell is bit for bit what it was.
    ground_move: carries the kept frames behind the mask to where the motion arrives (moves_after).
    notes: sentences for the person, of what could not be met. remainder_mps, remainder_dps: by how
    much the body had to be led to arrive, m/s and degrees/s.
    """

    clip: MotionClip
    tokens_LP: IntArray
    sampler: SamplerConfig
    seed: int
    ground_move: GroundMove
    notes: tuple[str, ...]
    remainder_mps: float = 0.0
    remainder_dps: float = 0.0


def edit_motion(
    filler: WindowFiller,
    request: EditRequest,
    previews: Previews | None = None,
    start: float = 0.0,
    sample: Sample = sampled_tokens,
) -> EditResult:
    """The edited motion; MMMError for a request that cannot be met, Cancelled when asked to stop.

    previews: of what is made, meanwhile. start: of the clip, in the seconds of the answer. sample:
    fills the masked cells.
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
    job = _job(request, kept, mask, filler.sampler)
    job = replace(job, joins=tuple(at - near.start / kept.fps for at in request.joins))
    sampler = resolved(filler.sampler, job)
    if previews is not None and job.path is None:
        begins = start + near.start / request.clip.fps
        filler = previews.of(filler, _shown(model, job, floor), _masked(mask), begins)
    if request.tokens_LP is None:
        tokens_LP = sample(replace(filler, sampler=sampler), job)
    else:
        shape = (len(Places.of(kept.frames, kept.fps, model.tokenizer_config)), len(model.columns))
        tokens_LP = replayed_tokens(request.tokens_LP, shape, model.vocabulary.codes)
    made = job.decoded(model, tokens_LP)
    placed = job.placed(made)
    clip, notes = _led(placed, job, request.pin_feet, sampler.footsteps)
    if request.tokens_LP is None:
        notes = unmet_note(job.claims, job.verdict(clip), most_tries(sampler)) + notes
    clip = _raised(clip, floor).replace(twist_estimated=made.twist_estimated)
    pinned_limbs = _with_pins(request, _with_kept_cells(request, clip, near))
    arrival = placed.arrival
    return EditResult(
        pinned_limbs.clip,
        tokens_LP,
        sampler,
        request.seed,
        arrival.ground_move,
        _strain(arrival) + _path_notes(job, placed) + notes + pinned_limbs.notes,
        arrival.speed_mps,
        arrival.turn_rate_dps,
    )


def _shown(model: MotionModel, job: EditJob, floor: float) -> Decode:
    """What tokens of an edit decode to, where it belongs; its feet are not held yet."""
    return lambda tokens_LP: _raised(job.placed(job.decoded(model, tokens_LP)).arrival.clip, floor)


def _masked(mask: EditMask) -> slice:
    return slice(mask.start, mask.stop)


def _job(request: EditRequest, kept: MotionClip, mask: EditMask, sampler: SamplerConfig) -> EditJob:
    """What is asked of the masked cells. Half a body shows its own half of a sentence; a path says
    where the rest goes; a sampler without tries looks for nothing."""
    claims = claims_of(request.prompt) if sampler.claim_tries > 1 else ()
    if mask.touches_upper != mask.touches_lower:
        claims = upper_claims(claims, mask.touches_upper)
    elif request.path is not None:
        claims = hand_claims(claims)
    moves, path = request.moves_after, request.path
    return EditJob(kept, mask, request.prompt, request.seed, moves, path, claims)


def _path_notes(job: EditJob, placed: Placed) -> tuple[str, ...]:
    bent, path = placed.bent, job.path
    return () if bent is None or path is None else path_notes(bent, path)


def _with_pins(request: EditRequest, clip: MotionClip) -> LimbsPinned:
    """The clip with its pins met in the masked cells."""
    if not request.pins:
        return LimbsPinned(clip, ())
    met = pin_limbs(clip, request.pins, request.mask.frames_T)
    whole = slice(0, clip.frames)
    return LimbsPinned(_with_kept_cells(request, met.clip, whole), met.notes)


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
            f"These weights edit the {' or '.join(names[part] for part in possible)} body, not the "
            f"{names[wanted]} body: choose other weights, or another body part."
        )


def _surroundings(model: MotionModel, request: EditRequest) -> slice:
    """Frames that the edit looks at: the masked ones and a window's length on both sides."""
    config = model.tokenizer_config
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


def resolved(sampler: SamplerConfig, job: EditJob) -> SamplerConfig:
    """The sampler with the number of candidates: one where there is nowhere to arrive, but those
    that a prompt may have which claims what can be seen."""
    least = sampler.claim_tries if job.claims else 1
    goes_on = job.mask.stop < job.kept.frames and not job.moves_after
    somewhere = job.mask.touches_lower and (goes_on or job.path is not None)
    count = sampler.candidates or (EDIT_CANDIDATES if somewhere else 1)
    return replace(sampler, candidates=max(count, least))


def _led(
    placed: Placed, job: EditJob, pin_feet: bool, footsteps: bool
) -> tuple[MotionClip, tuple[str, ...]]:
    """The motion led into what is kept on both sides, feet in place; sentences of what failed."""
    mask, made, met = job.mask, placed.before, job.met(placed)
    if not (pin_feet and mask.touches_lower):
        return met, ()
    if not footsteps:
        return pinned(met, _free_legs(mask))
    # of the motion as it was decoded: feet that are carried along slide, and no contact is found
    contacts_TSC = standing_contacts(leg_joints(made), made.fps)
    free_T = _free_legs(mask)
    led = lead_in_steps(made, placed.arrival.clip, contacts_TSC, ~free_T, met)
    return pinned(led, free_T, contacts_TSC)


def _free_legs(mask: EditMask) -> BoolArray:
    """Frames whose legs are regenerated, all of their joints. (T,)."""
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
        "The feet slide here to arrive where the motion goes on: choose a longer range, or a "
        "prompt that leads there.",
    )

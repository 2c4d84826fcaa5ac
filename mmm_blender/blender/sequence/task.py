"""Generate Sequence without buttons: a list of prompts becomes one Action with markers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from ...common.errors import MMMError
from ...worker.client import JobResult
from ...worker.protocol import GenerateSequence
from ..addon.bundle_cards import BundleCard
from ..addon.bundle_choice import bundle_path, chosen_bundle, length_fault
from ..addon.choices import choices
from ..addon.scene_settings import LEAST_SECONDS
from ..addon.worker_python import worker_python
from ..bpy_types import Action, ArmatureObject, Context
from ..fcurves.slot_properties import read_text
from ..generate.result_writer import Delivery
from ..history.recipe import parse_recipe, sequence_step
from ..history.recipe_store import RECIPE_PROPERTY
from ..jobs.scene_job import Circumstances, Errand
from ..jobs.session import Request, desk
from ..rig.target import scene_fps, target_armature
from .layout import Segment, sequence_segments
from .markers import replace_markers
from .properties import SegmentWish, sequence_list, show_lines, wishes

NO_SEQUENCE = "The character's motion is no sequence: generate one first."


@dataclass(frozen=True)
class SequenceWish:
    """What the person asks for. bundle: as in ``choose_bundle``."""

    segments: tuple[SegmentWish, ...]
    pin_feet: bool = True
    bundle: str = ""


def sequence_fault(card: BundleCard, segments: Sequence[SegmentWish]) -> str:
    """What is wrong with a list of prompts, in a sentence; else ""."""
    if not segments:
        return "The list of prompts is empty: add a prompt."
    numbered = enumerate(segments, start=1)
    return card.problem or next(
        (fault for number, each in numbered if (fault := segment_fault(card, number, each))), ""
    )


def segment_fault(card: BundleCard, number: int, wish: SegmentWish) -> str:
    """What is wrong with one of them; number: as the person counts."""
    if not wish.prompt.strip():
        return f"Prompt {number} is empty: say in a few words what the body does."
    if wish.seconds < LEAST_SECONDS:
        return f"Prompt {number} is too short: give it at least {LEAST_SECONDS:g} seconds."
    fault = length_fault(card, wish.seconds)
    return f"Prompt {number} cannot last {wish.seconds:g} s. {fault}" if fault else ""


def start_sequence(context: Context, wish: SequenceWish) -> Errand:
    """Send the list to the worker. Raises MMMError, with nothing changed, if it cannot be."""
    card = chosen_bundle(context.scene, wish.bundle)
    if fault := sequence_fault(card, wish.segments):
        raise MMMError(fault)
    python, reason = worker_python()
    if python is None:
        raise MMMError(reason)
    rig = target_armature(context)
    listed = wishes(sequence_list(context.scene).lines)
    delivery = _MarkedDelivery(wish, listed, Delivery.here(context, rig, sequence_step))
    request = _request(wish, scene_fps(context.scene))
    job = desk.start(python, request, choices().load_bundle(bundle_path(card)))
    return Errand(desk, job, Circumstances.now(context, rig), delivery.finish)


def _request(wish: SequenceWish, fps: float) -> Request:
    return lambda number: GenerateSequence(
        number,
        tuple(each.prompt for each in wish.segments),
        tuple(each.seconds for each in wish.segments),
        tuple(each.seed for each in wish.segments),
        fps=fps,
        pin_feet=wish.pin_feet,
    )


@dataclass(frozen=True)
class _MarkedDelivery:
    """A delivery after which the segments are marked and the list belongs to the Action.

    listed: the list as it was at the start; what was changed in it since is not lost.
    """

    wish: SequenceWish
    listed: tuple[SegmentWish, ...]
    delivery: Delivery

    def finish(self, context: Context, target: ArmatureObject | None, result: JobResult) -> str:
        """Markers of the motion that is replaced go."""
        replaced = () if target is None else action_segments(active_action(target), target)
        keyed = self.delivery.key(context, target, result)
        replace_markers(context.scene, replaced, action_segments(keyed.action))
        found = sequence_list(context.scene)
        if wishes(found.lines) == self.listed:
            show_lines(context.scene, self.wish.segments, keyed.action)
        else:
            found.action = keyed.action
        return keyed.sentence


def active_action(rig: ArmatureObject) -> Action | None:
    """The Action that the rig has now."""
    return None if rig.animation_data is None else rig.animation_data.action


def action_segments(
    action: Action | None, rig: ArmatureObject | None = None
) -> tuple[Segment, ...]:
    """Segments of an Action; () where it has none, or a recipe that cannot be read. rig: whose slot
    counts, the first if not given."""
    text = None if action is None else read_text(action, RECIPE_PROPERTY, rig)
    return _segments_of_text(text) if isinstance(text, str) else ()


@lru_cache(maxsize=8)
def _segments_of_text(text: str) -> tuple[Segment, ...]:
    """Remembered, for a panel asks at every redraw."""
    try:
        return sequence_segments(parse_recipe(text))
    except MMMError:
        return ()


def target_segments(context: Context) -> tuple[Action, tuple[Segment, ...]]:
    """The target's Action and its segments; MMMError where it has none."""
    rig = target_armature(context)
    action = None if rig is None else active_action(rig)
    segments = action_segments(action, rig)
    if action is None or not segments:
        raise MMMError(NO_SEQUENCE)
    return action, segments


def loading_obstacle(context: Context) -> str:
    """Why the list cannot be filled from the target's Action, in a sentence; else ""."""
    try:
        target_segments(context)
    except MMMError as error:
        return str(error)
    return ""


def load_from_action(context: Context) -> None:
    """Fill the list from the target's Action, and put its markers where they belong."""
    action, segments = target_segments(context)
    show_lines(context.scene, segments, action)
    replace_markers(context.scene, segments, segments)

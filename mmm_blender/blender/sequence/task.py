"""Generate Sequence without buttons: a list of prompts becomes one Action with markers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from ...common.errors import MMMError
from ...geometry.editing.conditions import Conditions
from ...geometry.simplify.simplify import Tolerance
from ...worker.client import JobResult
from ...worker.protocol import GenerateSequence
from ..actions.editability import new_action_poll_error
from ..addon.bundle_cards import BundleCard
from ..addon.bundle_choice import bundle_path, chosen_bundle, length_poll_error
from ..addon.scene_settings import LEAST_SECONDS, changed_sampler
from ..addon.ui_state import scene_key, ui_state
from ..addon.worker_python import addon_worker
from ..bpy_types import Action, ArmatureObject, Context
from ..fcurves.layered_actions import assigned_action
from ..fcurves.slot_properties import read_text
from ..generate.result_writer import ResultWriter
from ..history.recipe import parse_recipe, sequence_step
from ..history.recipe_store import RECIPE_PROPERTY
from ..jobs.preview_stage import PreviewStage
from ..jobs.scene_job import Preparation, Reading, SceneJob, SceneSnapshot
from ..jobs.worker_access import WorkerAccess
from ..rig.target import scene_fps, target_armature
from ..targets.target_params import NO_TARGET_PARAMS, TargetParams, in_seconds, plan_targets
from .layout import Segment, sequence_segments
from .lists import changed_list, list_of, own_list
from .markers import replace_markers
from .properties import SegmentParams, number_lines, params_of, show_lines

NO_SEQUENCE = "The character's motion is no sequence: generate one first."


@dataclass(frozen=True)
class SequenceParams:
    """What the user asks for. bundle: as in ``choose_bundle``. targets: of the whole; a path takes
    as long as the prompts. tolerance: within which its keys are simplified, None for all of them.
    claim_tries: as in GenerateParams.
    """

    segments: tuple[SegmentParams, ...]
    pin_feet: bool = True
    bundle: str = ""
    targets: TargetParams = NO_TARGET_PARAMS
    takes: int = 1
    tolerance: Tolerance | None = None
    claim_tries: int = 0

    @property
    def seconds(self) -> float:
        """Of the whole."""
        return sum(each.seconds for each in self.segments)


def sequence_poll_error(card: BundleCard, segments: Sequence[SegmentParams]) -> str:
    """What is wrong with a list of prompts, in a sentence; else ""."""
    if not segments:
        return "The list of prompts is empty: add a prompt."
    numbered = enumerate(segments, start=1)
    return card.poll_error or next(
        (
            reason
            for number, each in numbered
            if (reason := segment_params_poll_error(card, number, each))
        ),
        "",
    )


def segment_params_poll_error(card: BundleCard, number: int, params: SegmentParams) -> str:
    """What is wrong with one of them; number: as the user counts."""
    if not params.prompt.strip():
        return f"Prompt {number} is empty: say in a few words what the body does."
    if params.seconds < LEAST_SECONDS:
        return f"Prompt {number} is too short: give it at least {LEAST_SECONDS:g} seconds."
    reason = length_poll_error(card, params.seconds)
    return f"Prompt {number} cannot last {params.seconds:g} s. {reason}" if reason else ""


def start_sequence(
    context: Context, params: SequenceParams, access: WorkerAccess | None = None
) -> SceneJob:
    """Begin to read what the motion keeps to; then the list is sent. access: the add-on's worker if
    not given.

    Raises MMMError, with nothing changed, if it cannot be sent.
    """
    access = access or addon_worker()
    card = chosen_bundle(context.scene, params.bundle)
    if reason := sequence_poll_error(card, params.segments):
        raise MMMError(reason)
    if params.tolerance is not None:
        params.tolerance.check()
    python = access.python()
    rig = target_armature(context)
    if rig is not None and (reason := new_action_poll_error(rig)):
        raise MMMError(reason)
    making = _Making(context, rig, params)
    return SceneJob(
        access.session,
        access.session.open(python),
        SceneSnapshot.now(context, rig),
        making.finish,
        Preparation(making.reading(rig), access.load_bundle(bundle_path(card)), making.stage),
    )


class _Making:
    """One sequence between the press of the button and its keys."""

    def __init__(
        self, context: Context, rig: ArmatureObject | None, params: SequenceParams
    ) -> None:
        """MMMError where the motion cannot keep to what is asked for."""
        self._params, self._fps = params, scene_fps(context.scene)
        targets = in_seconds(params.targets, params.seconds)
        self._planned = plan_targets(context, rig, targets, params.seconds)
        self._listed = params_of(list_of(rig, context.scene).lines)
        self._writer = replace(
            ResultWriter.here(context, rig, sequence_step),
            origin_3=self._planned.origin_3,
            notes=self._planned.notes,
            tolerance=params.tolerance,
        )

    def reading(self, rig: ArmatureObject | None) -> Reading:
        """Read what the motion keeps to; then the message is known."""
        conditions = yield from self._planned.read(rig)
        self._writer = replace(self._writer, conditions=conditions)
        return _request(self._params, self._fps, conditions)

    def stage(self, context: Context, rig: ArmatureObject | None) -> PreviewStage | None:
        """Where the motion is shown while it is made."""
        return self._writer.stage(context, rig)

    def finish(self, context: Context, target: ArmatureObject | None, result: JobResult) -> str:
        """Key the motion and mark its segments; says so."""
        writer = _MarkedResultWriter(self._params, self._listed, self._writer)
        return writer.finish(context, target, result)


def _request(params: SequenceParams, fps: float, conditions: Conditions) -> GenerateSequence:
    return GenerateSequence(
        tuple(each.prompt for each in params.segments),
        tuple(each.seconds for each in params.segments),
        tuple(each.seed for each in params.segments),
        fps=fps,
        sampler=changed_sampler(params.claim_tries),
        pin_feet=params.pin_feet,
        conditions=conditions.to_json(),
        takes=params.takes,
    )


@dataclass(frozen=True)
class _MarkedResultWriter:
    """A result_writer after which the segments are marked and the list belongs to the Action.

    listed: the list as it was at the start; what was changed in it since is not lost.
    """

    params: SequenceParams
    listed: tuple[SegmentParams, ...]
    result_writer: ResultWriter

    def finish(self, context: Context, target: ArmatureObject | None, result: JobResult) -> str:
        """Markers of the motion that is replaced go."""
        replaced = () if target is None else action_segments(assigned_action(target), target)
        keyed = self.result_writer.key(context, target, result)
        replace_markers(context.scene, replaced, action_segments(keyed.action))
        found = own_list(keyed.rig, context.scene)
        if params_of(found.lines) == self.listed:
            show_lines(found, self.params.segments, keyed.action)
        else:
            found.action = keyed.action
            number_lines(found, self.params.segments)
        return keyed.sentence


def action_segments(
    action: Action | None, rig: ArmatureObject | None = None
) -> tuple[Segment, ...]:
    """Segments of an Action; () where it has none, or a recipe that cannot be read. rig: whose slot
    counts, the first if not given."""
    text = None if action is None else read_text(action, RECIPE_PROPERTY, rig)
    return _segments_of_text(text) if isinstance(text, str) else ()


@lru_cache(maxsize=8)
def _segments_of_text(text: str) -> tuple[Segment, ...]:
    """DataBlockRef, for a panel asks at every redraw."""
    try:
        return sequence_segments(parse_recipe(text))
    except MMMError:
        return ()


def target_segments(context: Context) -> tuple[Action, tuple[Segment, ...]]:
    """The target's Action and its segments; MMMError where it has none."""
    rig = target_armature(context)
    action = None if rig is None else assigned_action(rig)
    segments = action_segments(action, rig)
    if action is None or not segments:
        raise MMMError(NO_SEQUENCE)
    return action, segments


def loading_poll_error(context: Context) -> str:
    """Why the list cannot be filled from the target's Action, in a sentence; else ""."""
    return ui_state.fact(("load", scene_key(context)), lambda: _loading_poll_error(context))


def _loading_poll_error(context: Context) -> str:
    try:
        target_segments(context)
    except MMMError as error:
        return str(error)
    return ""


def load_from_action(context: Context) -> None:
    """Fill the list from the target's Action, and put its markers where they belong."""
    action, segments = target_segments(context)
    show_lines(changed_list(context), segments, action)
    replace_markers(context.scene, segments, segments)

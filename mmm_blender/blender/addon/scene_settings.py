"""What a scene keeps of the panel: prompt, seconds, seed, weights."""
# Blender reads properties from annotations that are calls; they are no types, and meant so.
# pyright: reportInvalidTypeForm=false

from collections.abc import Iterable
from contextlib import suppress
from typing import Any, TypeAlias

from ...common.errors import MMMError
from ...geometry.editing.lock_mode import LockMode
from ...worker.protocol import MOST_TAKES, MOST_TRIES
from ..bpy_types import Context, Scene, bpy
from ..rig.scene_end import EXTEND, FIT, KEEP
from ..widgets import redraw
from .disk_facts import look_up_bundle
from .ui_state import ui_state

Settings: TypeAlias = Any
"""A SceneSettings, as Blender hands it out."""

DEFAULT_SECONDS = 4.0
LEAST_SECONDS = 0.2
_SLIDER_SECONDS = 9.8  # longest motion of the starter weights
LARGEST_SEED = 2**31 - 1
DEFAULT_EDIT = (1, 48)
"""Frames that an edit is about before anybody chose: two seconds at Blender's own rate."""

BODY_PART_ITEMS = (
    ("ALL", "Whole Body", "Every bone, and the way that the body goes"),
    ("UPPER", "Upper Body", "Spine, head and arms; the legs and the way stay as they are"),
    ("LOWER", "Lower Body", "Pelvis, legs and the way; spine, head and arms stay as they are"),
)
LOCK_ITEMS = (
    (
        LockMode.AUTO.value,
        "Automatic",
        "Lock edited keys where MMM made the motion, lock nothing in other Actions",
    ),
    (LockMode.EDITED.value, "Edited Keys", "Lock poses changed by hand since MMM made them"),
    (LockMode.KEYFRAME.value, "Keyframes", "Lock keys of the type Keyframe: poses set by hand"),
    (LockMode.NONE.value, "Nothing", "Regenerate everything in the range"),
)
CONTINUE, REPLACE = "CONTINUE", "REPLACE"
EXISTING_ITEMS = (
    (
        CONTINUE,
        "Continue",
        "Go on from the pose and place at the playhead; other keys stay",
    ),
    (REPLACE, "Replace", "Make a new Action; the one before stays in the list of takes"),
)
SELECTED, ACTIVE = "SELECTED", "ACTIVE"
CHARACTER_ITEMS = (
    (
        SELECTED,
        "All Selected",
        "Every selected character gets a motion of its own",
    ),
    (ACTIVE, "Active Only", "Only the active character gets a motion"),
)
SCENE_END_ITEMS = (
    (EXTEND, "Extend", "Move the scene's end out where the motion is longer"),
    (FIT, "Fit", "End the scene with the motion's last key"),
    (KEEP, "Keep", "Leave the scene's end where it is"),
)


def _look_up_bundle(settings: Settings, _context: Context) -> None:
    """The user chose weights: now, and not at a redraw, see what they are."""
    with suppress(MMMError):  # the panel says it
        look_up_bundle(str(settings.bundle))
    ui_state.scene_changed()


def changed_sampler(claim_tries: int) -> dict[str, int] | None:
    """What a message changes of the weights' sampler. claim_tries: 0 for theirs."""
    return {"claim_tries": claim_tries} if claim_tries else None


def seconds_field(description: str) -> Any:
    """The property for how long a motion is, or a part of one."""
    return bpy.props.FloatProperty(
        name="Seconds",
        description=description,
        default=DEFAULT_SECONDS,
        min=LEAST_SECONDS,
        soft_max=_SLIDER_SECONDS,
        step=10,
        precision=1,
    )


def seed_field(description: str) -> Any:
    """The property for a seed."""
    return bpy.props.IntProperty(
        name="Seed", description=description, default=0, min=0, max=LARGEST_SEED
    )


def tolerance_field(name: str, precision: int = 2) -> Any:
    """The property for how far simplified keys may move a joint, in millimetres."""
    return bpy.props.FloatProperty(
        name=name,
        description="How far any joint may be from where it was, in millimetres; feet that stand: "
        "a quarter of it",
        default=10.0,
        min=0.0,
        soft_min=0.5,
        soft_max=100.0,
        precision=precision,
    )


def _redraw(_settings: Settings, _context: Context) -> None:
    redraw()


class SceneSettings(bpy.types.PropertyGroup):
    """The panel's fields, ``scene.mmm``."""

    prompt: bpy.props.StringProperty(
        name="Prompt",
        description="What the body does, in a few words: 'a tired person walks forward'",
        default="a person walks forward",
    )
    seconds: seconds_field("Length of the motion")
    seed: seed_field("The same prompt and seed give the same motion; another seed gives another")
    bundle: bpy.props.StringProperty(
        name="Weights",
        description="What the model has learned: a folder of weights; empty for the add-on's own",
        update=_look_up_bundle,
    )
    pin_feet: bpy.props.BoolProperty(
        name="Pin Feet",
        description="Feet that stand stay where they stand, by moving the legs",
        default=True,
    )
    edit_prompt: bpy.props.StringProperty(
        name="Prompt",
        description="What happens in the range; empty for what fits in without words",
    )
    edit_start: bpy.props.IntProperty(
        name="From",
        description="First frame to regenerate",
        default=DEFAULT_EDIT[0],
    )
    edit_end: bpy.props.IntProperty(
        name="To",
        description="Last frame to regenerate",
        default=DEFAULT_EDIT[1],
    )
    body_part: bpy.props.EnumProperty(
        name="Body Part",
        description="Bones to regenerate; the others keep their keys",
        items=BODY_PART_ITEMS,
    )
    hold: bpy.props.EnumProperty(
        name="Lock",
        description="Which poses inside the range stay as they are",
        items=LOCK_ITEMS,
    )
    existing: bpy.props.EnumProperty(
        name="Motion Before",
        description="What becomes of motion that the character has before the playhead",
        items=EXISTING_ITEMS,
    )
    takes: bpy.props.IntProperty(
        name="Takes",
        description="How many motions to make at once and choose from: this seed and the next ones",
        default=1,
        min=1,
        max=MOST_TAKES,
    )
    claim_tries: bpy.props.IntProperty(
        name="Tries",
        description="How many motions are tried until one shows what the prompt says, as a wave "
        "with the left hand; 0 for as many as the weights ask for",
        default=0,
        min=0,
        max=MOST_TRIES,
    )
    loop: bpy.props.BoolProperty(
        name="Loop",
        description="Have the motion go round: of several tries the one that closes best is taken, "
        "and its seam is made to fit; it begins a new Action",
    )
    simplify: bpy.props.BoolProperty(
        name="Simplify Keys",
        description="Key new motions with the fewest keys that have handles, within the tolerance",
    )
    tolerance: tolerance_field("Tolerance", precision=1)
    kept_takes: bpy.props.IntProperty(
        name="History",
        description="How many takes a character's list keeps; the oldest go first",
        default=24,
        min=1,
        max=999,
    )
    play_takes: bpy.props.BoolProperty(
        name="Play",
        description="Start playback when a take is chosen in the list",
        default=True,
    )
    characters: bpy.props.EnumProperty(
        name="Characters",
        description="Who gets a motion where several characters are selected",
        items=CHARACTER_ITEMS,
    )
    show_range: bpy.props.BoolProperty(
        name="Show Range",
        description="Tint the frames and bones to be regenerated, while this panel is open",
        default=True,
        update=_redraw,
    )
    show_steps: bpy.props.BoolProperty(
        name="Show Steps",
        description="Draw the body while its motion is being made",
        default=True,
    )
    show_ghosts: bpy.props.BoolProperty(
        name="Ghosts",
        description="Draw the first, middle and last pose of the take and where its feet stand, "
        "while this tab is open",
        default=True,
        update=_redraw,
    )
    scene_end: bpy.props.EnumProperty(
        name="End",
        description="What happens to the scene's last frame when a motion was keyed",
        items=SCENE_END_ITEMS,
    )


def scene_settings(scene: Scene) -> Settings:
    """The panel's fields of a scene."""
    return scene.mmm  # pyright: ignore[reportAttributeAccessIssue]  # added by register


def given_or_scene(operator: Any, context: Context, names: Iterable[str]) -> dict[str, Any]:
    """Values of an operator's properties; those that nobody has set are the scene's."""
    scene = scene_settings(context.scene)
    is_set = operator.properties.is_property_set
    return {name: getattr(operator if is_set(name) else scene, name) for name in names}


_CLASSES = (SceneSettings,)

_register, _unregister = bpy.utils.register_classes_factory(_CLASSES)


def register() -> None:
    """Add ``Scene.mmm``."""
    _register()
    bpy.types.Scene.mmm = bpy.props.PointerProperty(type=SceneSettings)


def unregister() -> None:
    """Take ``Scene.mmm`` away."""
    del bpy.types.Scene.mmm
    _unregister()

"""What a scene keeps of the path, ``scene.mmm_path``."""
# Blender reads properties from annotations that are calls; they are no types, and meant so.
# pyright: reportInvalidTypeForm=false

from typing import Any, TypeAlias

from ..bpy_types import Object, bpy
from .stroke_points import STROKE_TYPES

PathSettings: TypeAlias = Any
"""A PathSettingsGroup, as Blender hands it out."""

LINE_TYPES = ("CURVE", *STROKE_TYPES)
"""Types of objects that are lines to walk along."""

NONE, LINE, WAY_POINTS, CURSOR, OBJECT = "NONE", "LINE", "WAY_POINTS", "CURSOR", "OBJECT"
KIND_ITEMS = (
    (NONE, "No Path", "The motion goes wherever its prompt takes it"),
    (LINE, "Along a Curve or Stroke", "The body follows a curve object or a grease pencil stroke"),
    (WAY_POINTS, "Through Way-Points", "The body goes from one object to the next"),
    (CURSOR, "To the 3D Cursor", "The body goes from where it stands to the 3D cursor"),
    (OBJECT, "To an Object", "The body goes from where it stands to an object"),
)

NATURAL, SPEED, SECONDS = "NATURAL", "SPEED", "SECONDS"
PACE_ITEMS = (
    (NATURAL, "Own Pace", "As fast as the prompt walks; the motion lasts as long as that takes"),
    (SPEED, "Speed", "The path is walked at this speed; the motion lasts as long as that takes"),
    (SECONDS, "Seconds", "The path is walked in the seconds that the motion has"),
)

ALONG, TARGET, FREE = "ALONG", "TARGET", "FREE"
FACING_ITEMS = (
    (ALONG, "Along the Path", "The body faces where it goes"),
    (TARGET, "Toward an Object", "The body faces an object all the way"),
    (FREE, "Free", "The prompt decides: 'a person walks backward' faces back"),
)

POSE, STANDING = "POSE", "STANDING"
START_ITEMS = (
    (POSE, "From the Pose", "The motion goes on from the pose and place that the character has"),
    (STANDING, "Standing", "The motion begins standing still"),
    (FREE, "Free", "The motion may begin in mid-stride"),
)
END_ITEMS = (
    (FREE, "Free", "The motion may end in mid-stride"),
    (STANDING, "Standing", "The motion ends standing still"),
)

DEFAULT_SPEED = 1.2
"""A person walks that fast, m/s."""


def _is_line(_settings: PathSettings, item: Object) -> bool:
    return item.type in LINE_TYPES


class WayPoint(bpy.types.PropertyGroup):
    """One way-point of the list."""

    object: bpy.props.PointerProperty(
        name="Object", description="Where the body passes", type=bpy.types.Object
    )
    frame: bpy.props.IntProperty(
        name="Frame",
        description="Frame on which the body is there, 0 for any",
        default=0,
    )
    use_heading: bpy.props.BoolProperty(
        name="Heading",
        description="The body faces the way that the object's -Y axis points, as characters do",
        default=False,
    )


class PathSettingsGroup(bpy.types.PropertyGroup):
    """The fields of the panel Path."""

    kind: bpy.props.EnumProperty(name="Path", description="Where the motion goes", items=KIND_ITEMS)
    line: bpy.props.PointerProperty(
        name="Curve or Stroke",
        description="Curve object or grease pencil object that the body follows",
        type=bpy.types.Object,
        poll=_is_line,
    )
    goal: bpy.props.PointerProperty(
        name="Object", description="Where the body goes", type=bpy.types.Object
    )
    way_points: bpy.props.CollectionProperty(type=WayPoint)
    active: bpy.props.IntProperty(
        name="Way-Point", description="The way-point that the buttons beside the list are about"
    )
    pace: bpy.props.EnumProperty(
        name="Pace", description="How fast the path is walked", items=PACE_ITEMS
    )
    speed: bpy.props.FloatProperty(
        name="Speed",
        description="Speed along the path",
        default=DEFAULT_SPEED,
        min=0.05,
        soft_max=5.0,
        unit="VELOCITY",
    )
    facing: bpy.props.EnumProperty(
        name="Facing", description="Where the body faces on the path", items=FACING_ITEMS
    )
    target: bpy.props.PointerProperty(
        name="Target", description="The object that the body faces", type=bpy.types.Object
    )
    use_in_edits: bpy.props.BoolProperty(
        name="For Edits Too",
        description="Regenerated ranges follow the path as well, in the time that they have",
        default=False,
    )
    start_from: bpy.props.EnumProperty(
        name="Start", description="What the motion begins with", items=START_ITEMS
    )
    end_in: bpy.props.EnumProperty(
        name="End", description="What the motion ends with", items=END_ITEMS
    )
    show: bpy.props.BoolProperty(
        name="Show in 3D View",
        description="Draw the path with a mark a second",
        default=True,
    )


def path_settings(scene: Any) -> PathSettings:
    """The fields of a scene."""
    return scene.mmm_path


def chosen_way_point(settings: PathSettings) -> int:
    """The number of the chosen way-point, whatever number is said to be chosen."""
    return max(0, min(int(settings.active), len(settings.way_points) - 1))


_CLASSES = (WayPoint, PathSettingsGroup)

_register, _unregister = bpy.utils.register_classes_factory(_CLASSES)


def register() -> None:
    """Add ``Scene.mmm_path``."""
    _register()
    bpy.types.Scene.mmm_path = bpy.props.PointerProperty(type=PathSettingsGroup)


def unregister() -> None:
    """Take ``Scene.mmm_path`` away."""
    del bpy.types.Scene.mmm_path
    _unregister()

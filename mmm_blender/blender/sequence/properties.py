"""A list of prompts: ``object.mmm_sequence`` of a character, ``scene.mmm_sequence`` of a scene."""
# Blender reads properties from annotations that are calls; they are no types, and meant so.
# pyright: reportInvalidTypeForm=false

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ..addon.scene_settings import seconds_field, seed_field
from ..bpy_types import Action, Scene, bpy
from .layout import Segment

SequenceList: TypeAlias = Any
"""A SequenceSettings, as Blender hands it out."""

DEFAULT_PROMPT = "a person walks forward"
NO_SEGMENT = -1
"""Of a line that is new, or that an earlier version of the add-on has made."""
_SECONDS_DIGITS = 4
"""Blender keeps 9.8 as 9.80000019: the recipe says 9.8."""


@dataclass(frozen=True)
class SegmentParams:
    """One line of the list."""

    prompt: str
    seconds: float
    seed: int

    @classmethod
    def of(cls, line: Any) -> "SegmentParams":
        """Of a line of Blender's."""
        seconds = round(float(line.seconds), _SECONDS_DIGITS)
        return cls(str(line.prompt), seconds, int(line.seed))

    def matches(self, segment: Segment) -> bool:
        """The segment was made from this params."""
        return (self.prompt, self.seconds, self.seed) == (
            segment.prompt,
            segment.seconds,
            segment.seed,
        )


class _LineFields:
    """What a prompt of a list is."""

    prompt: bpy.props.StringProperty(
        name="Prompt",
        description="What the body does in this part: 'a person turns around'",
        default=DEFAULT_PROMPT,
    )
    seconds: seconds_field("Length of this part")
    seed: seed_field("The same prompts and seeds give the same motion; another seed gives another")


class SequenceLine(_LineFields, bpy.types.PropertyGroup):
    """One prompt that a script gives: it must name every field."""


class ListLine(_LineFields, bpy.types.PropertyGroup):
    """One prompt of a list."""

    segment: bpy.props.IntProperty(
        name="Segment",
        description="The part of the motion that was made from this line; -1 for none",
        default=NO_SEGMENT,
        options={"HIDDEN"},
    )


class SequenceSettings(bpy.types.PropertyGroup):
    """The list, the line that is chosen in it, and the Action that was made from it."""

    lines: bpy.props.CollectionProperty(type=ListLine)
    active: bpy.props.IntProperty(
        name="Prompt", description="The prompt that the buttons beside the list are about"
    )
    action: bpy.props.PointerProperty(type=bpy.types.Action)


def scene_list(scene: Scene) -> SequenceList:
    """The list of a scene; which one counts, ``lists`` says."""
    return scene.mmm_sequence  # pyright: ignore[reportAttributeAccessIssue]  # as above


def chosen_line(found: SequenceList) -> int:
    """The number of the chosen line, whatever number is said to be chosen."""
    return max(0, min(int(found.active), len(found.lines) - 1))


def params_of(lines: Iterable[Any]) -> tuple[SegmentParams, ...]:
    """What the lines of a list ask for."""
    return tuple(SegmentParams.of(line) for line in lines)


def set_line(line: Any, params: SegmentParams | Segment) -> None:
    """Write into a line."""
    line.prompt, line.seconds, line.seed = params.prompt, params.seconds, params.seed


def show_lines(
    found: SequenceList, wanted: Iterable[SegmentParams | Segment], action: Action | None
) -> None:
    """Make these the list, and ``action`` what was made from it."""
    found.lines.clear()
    for index, params in enumerate(wanted):
        line = found.lines.add()
        set_line(line, params)
        line.segment = index
    found.active = chosen_line(found)
    found.action = action


def number_lines(found: SequenceList, made: Sequence[SegmentParams]) -> None:
    """Say of each line which segment was made from it, where the list is no longer what it was when
    the job began. made: the segments."""
    left = dict(enumerate(made))
    for line in found.lines:
        params = SegmentParams.of(line)
        line.segment = next((at for at, each in left.items() if each == params), NO_SEGMENT)
        left.pop(line.segment, None)


def is_in_order(found: SequenceList) -> bool:
    """No line stands where another segment of the motion is."""
    return all(int(line.segment) in (at, NO_SEGMENT) for at, line in enumerate(found.lines))


_CLASSES = (SequenceLine, ListLine, SequenceSettings)

_register, _unregister = bpy.utils.register_classes_factory(_CLASSES)


def register() -> None:
    """Add ``Object.mmm_sequence`` and ``Scene.mmm_sequence``."""
    _register()
    bpy.types.Object.mmm_sequence = bpy.props.PointerProperty(type=SequenceSettings)
    bpy.types.Scene.mmm_sequence = bpy.props.PointerProperty(type=SequenceSettings)


def unregister() -> None:
    """Take both away."""
    del bpy.types.Object.mmm_sequence
    del bpy.types.Scene.mmm_sequence
    _unregister()

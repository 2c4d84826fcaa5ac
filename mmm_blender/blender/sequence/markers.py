"""Segments of a sequence as timeline markers: one where each begins, named by its prompt.

A marker belongs to a sequence where it has the name that the Action's recipe says and stands on
the segment's first frame, or was moved a little by hand. One that was renamed is the user's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from ..bpy_types import Scene, TimelineMarker
from .layout import Segment

_NAME_BYTES = 63
"""Blender's names end there."""
_MORE = "…"


def replace_markers(
    scene: Scene, old: Sequence[Segment], new: Sequence[Segment], *, restore: bool = True
) -> None:
    """Let the markers of ``old`` segments mark the ``new`` ones, in order; take away those that
    are left over.

    A marker is changed rather than made again: it may cut to a camera. One that the user has
    moved keeps its distance to the segment's start. restore: segments without a marker get one
    (else those whose marker the user has deleted go without).
    """
    markers = _markers_of(scene, old)
    for segment, before, marker in zip_longest(new, old, markers):
        if segment is None:
            if marker is not None:
                scene.timeline_markers.remove(marker)
        elif marker is not None:
            marker.frame += segment.first - before.first
            marker.name = marker_name(segment.prompt)
        elif restore:
            scene.timeline_markers.new(marker_name(segment.prompt), frame=segment.first)


def _markers_of(scene: Scene, segments: Sequence[Segment]) -> list[TimelineMarker | None]:
    """The marker of each segment: on its first frame, else one of its name that was moved, no
    further than into the segment before or out of its own. None where there is neither."""
    free = list(scene.timeline_markers)
    found: list[TimelineMarker | None] = [None] * len(segments)
    for moved in (False, True):
        for index, segment in enumerate(segments):
            least = segments[index - 1].first if index else segment.first - segment.frames
            name = marker_name(segment.prompt)
            for marker in free:
                reach = range(least + 1, segment.stop) if moved else (segment.first,)
                if found[index] is None and marker.frame in reach and marker.name == name:
                    found[index] = marker
                    free.remove(marker)
                    break
    return found


def marker_name(prompt: str) -> str:
    """The prompt on one line, cut between words so that Blender takes it whole."""
    text = " ".join(prompt.split())
    if len(text.encode()) <= _NAME_BYTES:
        return text
    room = _NAME_BYTES - len(_MORE.encode())
    cut = text.encode()[:room].decode(errors="ignore")
    return (cut.rpartition(" ")[0] or cut) + _MORE

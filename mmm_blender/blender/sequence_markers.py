"""Segments of a sequence as timeline markers: one where each begins, named by its prompt.

A marker belongs to a sequence where it stands on the frame, and has the name, that the Action's
recipe says. One that was moved or renamed by hand is the person's own, and stays.
"""

from __future__ import annotations

from collections.abc import Iterable

from .host import Scene
from .sequence_layout import Segment

_NAME_BYTES = 63
"""Blender's names end there."""
_MORE = "…"


def replace_markers(scene: Scene, old: Iterable[Segment], new: Iterable[Segment]) -> None:
    """Take away the markers of ``old`` segments and add those of ``new`` ones."""
    gone = {(each.first, marker_name(each.prompt)) for each in old}
    markers = scene.timeline_markers
    for marker in [each for each in markers if (int(each.frame), str(each.name)) in gone]:
        markers.remove(marker)
    for segment in new:
        markers.new(marker_name(segment.prompt), frame=segment.first)


def marker_name(prompt: str) -> str:
    """The prompt on one line, cut between words so that Blender takes it whole."""
    text = " ".join(prompt.split())
    if len(text.encode()) <= _NAME_BYTES:
        return text
    room = _NAME_BYTES - len(_MORE.encode())
    cut = text.encode()[:room].decode(errors="ignore")
    return (cut.rpartition(" ")[0] or cut) + _MORE

"""A segment of a sequence that took a path is made again: it says that it leaves the path."""

from __future__ import annotations

import pytest

from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.jobs.session import WorkerSession
from tests.blender.helpers.scene_lines import add_curve

LEFT = "Generate Sequence keeps to all of it."


@pytest.mark.parametrize("path", ["Curve", ""])
def test_a_segment_that_leaves_the_path_says_so(
    ready: None, session: WorkerSession, path: str
) -> None:
    add_curve([(0, 0, 0), (2, 0, 0), (2, 3, 0)])
    bpy.ops.mmm.sequence_add(prompt="a person dances", seconds=2.0)
    bpy.ops.mmm.sequence_add(prompt="a person laughs", seconds=1.0)
    assert bpy.ops.mmm.generate_sequence(path=path) == {"FINISHED"}
    assert bpy.ops.mmm.regenerate_segment(index=1) == {"FINISHED"}
    assert session.notice is not None
    assert session.notice.text.endswith(LEFT) == bool(path)

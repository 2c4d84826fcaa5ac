"""What the panel Sequence shows."""

from __future__ import annotations

from typing import Any

from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.sequence import panel as sequence_panel
from mmm_blender.blender.sequence.lists import sequence_list
from tests.blender.helpers.drawing import drawn
from tests.blender.helpers.sequences import fill_list, regenerate


def test_the_panel_offers_what_can_be_done(generated: Any) -> None:
    layout = drawn(sequence_panel.SequencePanel)
    assert "list lines 3" in layout.text and "3 prompts, 3 seconds" in layout.text
    buttons = layout.buttons()
    assert all(buttons[f"mmm.{name}"] for name in ("generate_sequence", "regenerate_segment"))
    bpy.ops.mmm.sequence_remove()
    layout = drawn(sequence_panel.SequencePanel)
    assert "Prompts from Action brings the old list back" in " ".join(layout.text.split())
    assert not layout.buttons()["mmm.regenerate_segment"]


def test_the_panel_says_why_not(ready: None) -> None:
    layout = drawn(sequence_panel.SequencePanel)
    assert "The list of prompts is empty" in layout.text
    assert not layout.buttons()["mmm.generate_sequence"]
    assert "mmm.regenerate_segment" not in layout.buttons()
    fill_list(["a", " "])
    assert "Prompt 2 is empty" in drawn(sequence_panel.SequencePanel).text


def test_lines_that_are_not_keyed_like_that_yet_are_marked(generated: Any) -> None:
    lines = sequence_list(bpy.context).lines
    lines[1].seconds = 2.0
    assert [sequence_panel.is_changed(bpy.context, line, at) for at, line in enumerate(lines)] == [
        *(False, True, False)
    ]
    regenerate(1)
    assert not sequence_panel.is_changed(bpy.context, lines[1], 1)

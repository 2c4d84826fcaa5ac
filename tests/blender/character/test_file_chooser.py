"""What stands beside the files where a person chooses an SMPL file."""

from __future__ import annotations

from types import SimpleNamespace

from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.character.operators import ChooseBodyModel
from mmm_blender.blender.jobs.session import WorkerSession
from tests.blender.helpers.drawing import Layout


def test_the_licence_of_smpl_is_named_where_a_file_is_chosen(registered: WorkerSession) -> None:
    kind = bpy.ops.mmm.choose_body_model.get_rna_type()
    layout = Layout()
    drawn = SimpleNamespace(layout=layout, bl_rna=kind)
    ChooseBodyModel.draw(drawn, bpy.context)  # pyright: ignore[reportArgumentType]
    text = " ".join(map(str, layout.book))
    assert "SMPL model licence" in text and "not for commercial use" in text
    assert "prop betas" in text and "prop gender" in text

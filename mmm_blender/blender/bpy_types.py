"""Blender's Python interface, typed at one border by the stubs of ``fake-bpy-module``.

Every module of this folder takes ``bpy`` and the types of what it handles from here. What stays
``Any`` here is what the stubs describe wrongly or more loosely than Blender behaves:

bpy             its ``context`` has methods where Blender has attributes (scene, area, region), and
                the base classes of operators and panels have other signatures than Blender calls
Context         as ``bpy.context``
ArmatureObject  an Object's data is an armature here and may be any kind of data there, and its pose
                and animation data may be None there
Settings        property groups of ours, which Blender adds to a Scene when the add-on registers
"""

from __future__ import annotations

from typing import Any, TypeAlias

import bpy as _bpy
from bpy.types import (
    Action,
    Area,
    Armature,
    Bone,
    EditBone,
    Event,
    FCurve,
    Material,
    Mesh,
    PoseBone,
    Scene,
    TimelineMarker,
    Timer,
    UILayout,
)

__all__ = [
    "Action",
    "Area",
    "Armature",
    "ArmatureObject",
    "Bone",
    "Context",
    "EditBone",
    "Event",
    "FCurve",
    "Material",
    "Mesh",
    "Object",
    "PoseBone",
    "Scene",
    "TimelineMarker",
    "Timer",
    "UILayout",
    "bpy",
]

bpy: Any = _bpy

Context: TypeAlias = Any
Object: TypeAlias = Any
ArmatureObject: TypeAlias = Any
"""A ``bpy.types.Object`` whose data is an armature."""

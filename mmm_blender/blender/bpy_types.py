"""Blender's Python interface, untyped, at one border.

The bpy module brings no type information (its attributes exist only once Blender runs), so every
module of this folder takes ``bpy`` from here, where it is ``Any``, and names what it handles by
the aliases below: they say to a reader what a type checker cannot know.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import bpy as _bpy

bpy: Any = _bpy

Context: TypeAlias = Any
Scene: TypeAlias = Any
TimelineMarker: TypeAlias = Any
Object: TypeAlias = Any
ArmatureObject: TypeAlias = Any
"""A ``bpy.types.Object`` whose data is an armature."""
Armature: TypeAlias = Any
Bone: TypeAlias = Any
EditBone: TypeAlias = Any
PoseBone: TypeAlias = Any
Mesh: TypeAlias = Any
Material: TypeAlias = Any
Action: TypeAlias = Any
FCurve: TypeAlias = Any

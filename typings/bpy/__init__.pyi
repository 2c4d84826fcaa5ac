"""Blender's API is built at run time and typed nowhere: here it is Any, said in one place."""

from typing import Any

from . import app, props, types, utils

__all__ = ["app", "props", "types", "utils"]

def __getattr__(name: str) -> Any: ...

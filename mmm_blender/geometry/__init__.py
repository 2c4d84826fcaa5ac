"""Geometry of motion, in NumPy alone: it knows neither torch nor Blender."""

"""Where a motion goes: curves, strokes, way-points and places of the scene as a path."""

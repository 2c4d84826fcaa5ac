"""The masked motion model: it knows no Blender; what runs the networks stands in ``runtime``."""

"""The masked motion model, in torch: it knows no Blender."""

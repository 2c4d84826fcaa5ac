"""Regenerate a range of frames, in-between."""

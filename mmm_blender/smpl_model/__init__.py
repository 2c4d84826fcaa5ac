"""SMPL model files that a person brings: read safely, posed, skinned."""

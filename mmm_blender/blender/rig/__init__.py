"""Armatures: SMPL's joints among bones, poses to channels and back, the character's body."""

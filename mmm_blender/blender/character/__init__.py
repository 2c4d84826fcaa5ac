"""Characters: the mannequin, or a body from an SMPL model file."""

"""Hands: relaxed, a fist, pointing, open, as keys on a rig's fingers."""

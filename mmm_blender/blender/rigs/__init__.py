"""The panel Rig: which bones a character's motions go to."""

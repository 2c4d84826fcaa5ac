"""Motions from and to files, and from one character to another."""

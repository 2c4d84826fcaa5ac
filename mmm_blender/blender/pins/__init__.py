"""Hands, feet and the head pinned to objects of the scene."""

"""Feet on the floor: contacts, where they stand, legs that follow."""

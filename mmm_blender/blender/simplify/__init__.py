"""Simplify Keys: dense keys become the fewest Bezier keys within a tolerance."""

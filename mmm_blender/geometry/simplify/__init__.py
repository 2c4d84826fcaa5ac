"""The fewest Bezier keys that say what dense ones say, within a tolerance."""

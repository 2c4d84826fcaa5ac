"""An Action made again from its recipe."""

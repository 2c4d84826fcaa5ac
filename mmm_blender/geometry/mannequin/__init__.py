"""The body that a new character shows: parts, shape, surface."""

"""Takes: several motions of one request to choose from, and what was made before."""

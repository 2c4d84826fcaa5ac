"""Tables of clips to files, with and without Blender."""

"""Keys and curves of Actions, whatever the version of Blender."""

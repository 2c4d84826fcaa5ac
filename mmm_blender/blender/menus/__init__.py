"""Where Blender's own menus offer the add-on's commands."""

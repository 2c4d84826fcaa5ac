"""Writing into a range of an Action that exists, and whether that can be done."""

"""Make Loop and In Place."""

"""What a motion keeps to: its path, its pins, how it begins and how it ends."""

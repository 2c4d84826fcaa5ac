"""An edit of a clip: its mask, what fills it, how it arrives and how it meets what is kept."""

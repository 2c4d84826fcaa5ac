"""What every layer uses: errors, files that are written whole or not at all, arrays as text."""

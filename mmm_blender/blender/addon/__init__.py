"""The extension itself: preferences, scene settings, bundles on disk, Set Up."""

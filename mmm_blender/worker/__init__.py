"""The worker: a process of its own that holds the networks, so that Blender stays responsive."""

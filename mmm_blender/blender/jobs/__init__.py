"""Jobs of the worker: started from a scene, watched, brought home."""

"""From a request to a clip: prompts, edits, sequences of prompts."""

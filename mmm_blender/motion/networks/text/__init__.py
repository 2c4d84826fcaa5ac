"""The text encoders, in torch: a student of a sentence encoder, and the text tower of CLIP."""

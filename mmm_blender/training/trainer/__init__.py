"""The runs: steps, losses, checkpoints, early stopping, several devices."""

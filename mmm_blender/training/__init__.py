"""What trains the weights: data, captions, losses, figures. Never shipped in the extension."""

"""How masked cells are filled, whichever network predicts them."""

"""What was done to an Action, what a person changed since, and which keys stay."""

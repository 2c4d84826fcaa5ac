"""What was done to an Action, what the user changed since, and which keys stay."""

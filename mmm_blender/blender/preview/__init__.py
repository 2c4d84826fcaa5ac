"""What is seen before it is done: the range and bones that are meant, and the take that plays."""

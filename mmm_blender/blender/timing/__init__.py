"""Mirror, Reverse, Retime and Trim."""

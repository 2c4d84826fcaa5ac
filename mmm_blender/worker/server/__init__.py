"""The worker program's side of the pipe: requests in, motions out."""

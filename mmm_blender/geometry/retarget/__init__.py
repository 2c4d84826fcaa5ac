"""Motions on rigs that are not SMPL's: maps of bones, rest poses, chains and proportions."""

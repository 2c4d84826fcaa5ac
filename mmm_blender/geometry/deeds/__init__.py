"""What a motion can be seen to do, by plain facts of forward kinematics."""

"""What is asked: comparisons of policies, and the command line."""

"""What is shown: statistics, charts and pages drawn from stored runs."""

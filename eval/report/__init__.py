"""Reports and comparisons of runs, with their words and thresholds."""

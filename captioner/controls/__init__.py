"""Who decides what in a meeting, and what a restarted bot still knows of it."""

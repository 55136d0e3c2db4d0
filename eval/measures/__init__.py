"""Computes figures from what was said and what was shown."""

"""Decides which words count as the same, by language."""

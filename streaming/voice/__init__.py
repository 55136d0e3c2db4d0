"""Finds voice in audio, and opens a gate for it."""

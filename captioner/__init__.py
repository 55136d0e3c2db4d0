"""Publishes captions in LiveKit rooms."""

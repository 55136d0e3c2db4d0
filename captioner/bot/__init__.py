"""A bot in a room: its life, its answers to pages, and how it applies decisions."""

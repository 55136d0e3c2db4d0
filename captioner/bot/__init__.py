"""One bot in one room: its life, its answers to pages, and what it does about decisions."""

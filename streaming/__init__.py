"""Turns speech into words. Knows audio and words, but not LiveKit or captions."""

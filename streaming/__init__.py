"""Speech in, words out. Knows audio and words, and nothing of LiveKit or captions."""

"""A checkpoint that hears tones, small or of full size, for tests of Kyutai's own code."""

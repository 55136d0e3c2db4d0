"""asr-server: Kyutai's protocol and model for many streams at once."""

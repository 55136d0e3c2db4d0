"""The remote engine: speech to words on Kyutai servers."""

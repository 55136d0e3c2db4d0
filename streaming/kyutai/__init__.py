"""Kyutai's protocol, byte for byte. Pure."""

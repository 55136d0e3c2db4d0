"""Cuts words into cues, and writes cues as WebVTT. Pure."""

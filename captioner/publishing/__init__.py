"""Sends captions to pages, to latecomers, and to clients of LiveKit's own transcriptions."""

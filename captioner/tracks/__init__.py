"""Captions each voice: from frames, through a recogniser, to caption events."""

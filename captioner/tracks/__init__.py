"""Captions one voice each: from frames, through a recogniser, to caption events."""

"""A worker: which rooms it takes from a LiveKit server, and how they keep their captions."""

"""Words in, captions out, in a LiveKit room."""

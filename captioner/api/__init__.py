"""HTTP for back ends that are no LiveKit clients: a room's captions and transcripts, webhooks."""

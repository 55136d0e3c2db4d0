"""Workers on a real media server: whether a room that should have captions has them."""

"""Plays recordings through an engine, a room or a browser, and notes what is shown."""

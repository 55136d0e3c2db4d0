"""LiveKit rooms: who is there, their audio, joining and leaving; and a scripted room for tests."""

"""Reads recordings, transcripts and caption files."""

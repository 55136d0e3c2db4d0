"""Transcripts as people, editors and products lay them out: lines of text, and what is in them."""

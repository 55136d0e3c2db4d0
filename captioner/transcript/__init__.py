"""Transcripts on disk: journals that a crash cannot tear, their files, their end, the audit log."""

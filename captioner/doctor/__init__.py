"""Tries captions out as a participant, and says in words which link is slow or broken."""

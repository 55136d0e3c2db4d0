"""Scripted meetings with faults, against a real media server and a real bot."""

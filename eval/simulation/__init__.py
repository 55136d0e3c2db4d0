"""A meeting played from a script, with faults, against a real media server and a real bot."""

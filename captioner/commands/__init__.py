"""The command line of captioner."""

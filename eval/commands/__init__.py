"""The command line of caption-eval."""

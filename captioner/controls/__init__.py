"""The decisions of a meeting, and their storage across restarts of the bot."""

"""The demo: media server, bot, page and a voice on one machine."""

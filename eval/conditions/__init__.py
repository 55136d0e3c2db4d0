"""Makes recordings harder to hear: noise, rooms, codecs, losses."""

"""Publishes captions in LiveKit rooms.

``room`` hears each microphone; ``tracks`` gives its frames to a recogniser of ``streaming``;
``captions`` cuts the words into cues; ``publishing`` sends cues as the packets of ``contract``.
``transcript`` keeps them. ``controls`` decides what may be heard, shown and kept; pages ask by
the requests of ``contract_requests``. ``bot`` joins all that in one room; ``engines``,
``settings``, ``commands`` and ``demo`` start it.
"""

"""Turns speech into words. Knows audio and words, but not LiveKit or captions.

``audio`` cuts sound into frames; ``voice`` finds speech in them; a ``recognizer`` takes frames and
gives words. ``embedded`` recognises on this machine; ``kyutai_client`` asks a server, which
``kyutai_server`` is, and ``kyutai`` is the protocol between them. ``testing`` has recognisers,
models and servers that say what they are told.
"""

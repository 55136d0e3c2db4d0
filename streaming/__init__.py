"""Turns speech into words. Knows audio and words, but not LiveKit or captions.

``audio`` cuts sound into frames; ``voice`` finds speech in them; a ``recognizer`` takes frames and
gives words. ``embedded`` recognises on this machine; ``kyutai_client`` and ``realtime_client`` ask
servers, by what they share in ``remote``. ``kyutai_server`` is such a server, and ``kyutai`` its
protocol. ``testing`` has recognisers, models and servers that say what they are told.

A ``SupervisedStream`` keeps one voice's audio until a recogniser has dealt with it. When a
recogniser fails, falls silent, or makes no words of voice, the next one hears again whatever is not
yet words, and no word is given twice. While no server can be had, the next engine stands in; it
gives the stream back in a pause.
"""

"""Errors of recognisers, distinguished by what the caller does next.

StreamingError
  RecognizerError
    RecognizerUnavailable     could not start              → back off, try the next one
      RecognizerAtCapacity    no free slot                 → another server, then wait
    ConnectionLost            mid-stream                   → reconnect, replay what is not yet words
    ProtocolError             the peer sent nonsense       → do not retry, it is a bug
  LanguageNotSupported        no model for it              → choose another language or engine
  ModelError                  a step failed                → the stream ends; start another one
"""


class StreamingError(Exception):
    """Base of all exceptions that this package raises deliberately."""


class RecognizerError(StreamingError):
    """A recogniser cannot be used, or can no longer be used."""


class RecognizerUnavailable(RecognizerError):
    """The recogniser could not start. Back off, then try the next one."""


class RecognizerAtCapacity(RecognizerUnavailable):
    """Every slot is taken. Try another server, then wait."""


class ConnectionLost(RecognizerError):
    """The connection broke in mid-stream. Reconnect, and replay what was not turned into words."""


class ProtocolError(RecognizerError):
    """The peer sent what the protocol does not allow. Do not retry."""


class LanguageNotSupported(StreamingError):
    """No model of this engine knows the language; the message names the engines that do."""


class ModelError(StreamingError):
    """The model failed on a step; this stream is over."""

"""How good are the captions? Measures, as pure functions."""

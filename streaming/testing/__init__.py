"""Recognisers, models and servers that say what they are told, for our tests and yours."""

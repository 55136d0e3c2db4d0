"""Scripted recognisers, models and servers, for our tests and yours."""

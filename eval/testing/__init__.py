"""Browsers, pages and meetings as our tests drive them, for tests of yours too."""

"""Measures how good captions are.

``corpus`` reads recordings and what is said in them; ``conditions`` makes them harder to hear;
``runs`` plays them and notes what was shown as an ``observation``; ``measures`` scores it, on
words that ``normalization`` compares; ``report`` shows the figures. ``simulation`` plays meetings
with faults, whose every word is known. ``commands`` start all that; ``testing`` is for tests.
"""

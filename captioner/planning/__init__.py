"""How many machines a number of meetings needs.

``load.py`` says what meetings are. ``demand.py`` simulates them: who speaks when, how many streams
that takes, how long a room waits at its start. ``figures.py`` has what a room costs, measured by
``benchmarks.plan``. ``plan.py`` puts the two together.
"""

"""``python -m tests.fuzz``: mutates packets to reach ever more of the bot's code. Needs atheris.

Its options are libFuzzer's; `make fuzz-packets` gives them.
"""

import sys

import atheris

with atheris.instrument_imports(include=["captioner"]):
    from tests.fuzz.bot_packets import read

atheris.Setup(sys.argv, read)
atheris.Fuzz()

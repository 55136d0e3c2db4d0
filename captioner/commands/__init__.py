"""The command line of captioner."""

import os

# Read by numpy when it is imported first. It would start threads that nobody here needs, and a
# worker, which forks, must not have any.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

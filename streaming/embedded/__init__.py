"""The embedded engine: many streams on the processors of one machine."""

import os

# Before onnxruntime is imported, which otherwise tells its makers over the network what it does.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

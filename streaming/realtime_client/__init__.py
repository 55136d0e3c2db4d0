"""The remote engine for servers of /v1/realtime, such as vLLM with Voxtral Mini Realtime."""

"""The embedded engine: many streams on the processors of one machine."""

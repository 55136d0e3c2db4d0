"""Other streaming recognisers beside ours: the same sound, machine and scoring, in turns."""

"""Build the sections of a report, one concern each, from its data and a catalogue of words."""

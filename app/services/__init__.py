"""Reads and verbs of each noun; functions that take session, actor, data and the time."""

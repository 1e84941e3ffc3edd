"""Decisions on plain values and a given date."""

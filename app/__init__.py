"""Duikou: the workspace in which two bureaus carry an assistance plan to its final summary."""

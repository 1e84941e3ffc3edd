"""The worker: its loop in this process, and real processes that are killed."""

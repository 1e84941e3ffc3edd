"""The worker: a process that does the jobs in the store, and makes those that come by the calendar."""

from app.worker.loop import Worker

__all__ = ["Worker"]

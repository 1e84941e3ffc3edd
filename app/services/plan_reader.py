"""What runs in the process that reads one plan: ``python -m app.services.plan_reader PATH NAME SECONDS MEMORY``.

It bounds its own memory and processor time before it opens the file, and prints one JSON object: the
reading, or the refusal with its code and values. The server never imports it.
"""

import json
import sys
from pathlib import Path
from typing import Any

from app.papers import plans
from app.papers.plan_refusals import PlanRefused
from app.services.plan_reading import PlanReadingTooHeavy

try:
    import resource
except ImportError:  # Windows has no such limits; the wall clock still holds there.
    resource = None  # type: ignore[assignment]


def as_dict(reading: plans.PlanReading) -> dict[str, Any]:
    """The product's JSON of a reading, and beside each task the values that its doubts' sentences need."""
    answer: dict[str, Any] = reading.as_dict()
    for task, read_task in zip(answer["tasks"], reading.tasks, strict=True):
        task["doubt_values"] = dict(read_task.doubt_values)
    return answer


def _read(path: str, name: str, seconds: int, memory: int) -> dict[str, Any]:
    if resource is not None:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        return {"reading": as_dict(plans.read(Path(path).read_bytes(), name))}
    except PlanRefused as error:
        return {"refused": {"code": error.code, "values": error.values}}
    except MemoryError:
        return {"refused": {"code": PlanReadingTooHeavy.code, "values": {}}}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_read(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))))

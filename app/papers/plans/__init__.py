"""Reading a plan: bytes in, a frozen reading out. Nothing is stored and nothing is dropped silently.

The steps, each a module: ``extract`` lines from a file; mend what page breaks cut (``repairs``); tell
notice, plan and annexes apart (``layout``, ``titles``, ``furniture``); build the numbered items
(``markers``, ``outline``); find marks of responsibility (``marks``, with ``brackets``, ``labels``,
``roles``, ``unit_names``, ``leads``), tables of tasks (``tables``), deadlines, duties in prose
(``duties``) and dated steps (``milestones``). Matching is done on folded text (``folding``); what is
answered is cut from the text itself.
"""

from app.papers.plan_doubts import DOUBTS, IGNORED, REPAIRS
from app.papers.plan_refusals import PlanRefused
from app.papers.plans.extract import extract as lines_of
from app.papers.plans.milestones import Milestone
from app.papers.plans.reader import read_lines
from app.papers.plans.reading import Basis, IgnoredLine, NamedUnit, PlanReading, PlanTask, Section
from app.papers.plans.repairs import Repair

__all__ = [
    "DOUBTS",
    "IGNORED",
    "REPAIRS",
    "Basis",
    "IgnoredLine",
    "Milestone",
    "NamedUnit",
    "PlanReading",
    "PlanRefused",
    "PlanTask",
    "Repair",
    "Section",
    "read",
]


def read(data: bytes, name: str) -> PlanReading:
    """The reading of a plan file; ``name`` is its file name. Raises a PlanRefused, and nothing else."""
    return read_lines(lines_of(data, name))

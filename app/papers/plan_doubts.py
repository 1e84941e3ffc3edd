"""The codes of what the reader is not sure of, of its repairs, and of why it left a line out.

A code is stable and goes into the answer; its sentence is translated where it is shown.
"""

from typing import Final

from app.messages import N_

DOUBTS: Final[dict[str, str]] = {
    "lead_undeclared": N_("Several units are listed and the plan does not say which one leads."),
    "lead_by_rule": N_("The lead follows from a rule that the plan states once: the first unit leads."),
    "implementer_stated_once": N_("The plan says once that %(unit)s carries out all of these tasks."),
    "list_is_open": N_("The list of units ends with 等: there are more than it names."),
    "unit_without_suffix": N_("A name in the list does not end like a unit. Compare it with the original."),
    "bracket_not_closed": N_("The bracket with the units never closes. Compare it with the original."),
    "due_unread": N_("The deadline could not be turned into a date. Enter the date."),
    "due_relative": N_("The deadline counts from the day of issue. Check the date."),
    "due_recurring": N_("The deadline comes back regularly. It has no single date."),
    "due_open_ended": N_("The plan sets no end. The task is entered as open-ended."),
    "due_immediate": N_("The plan wants this done at once and names no date."),
    "due_year_assumed": N_("The deadline names no year. The year of the plan was taken."),
    "due_several": N_("The text names several deadlines. The last one was taken."),
    "from_prose": N_("This duty stands in a sentence, without a mark. Check that it is a task."),
    "path_repeated": N_("The same number stands twice in the plan."),
    "number_skipped": N_("The number before this one is missing in the text."),
    "no_number": N_("The task has no number in the plan."),
    "text_repaired": N_("The text was mended here. Compare it with the original."),
}

REPAIRS: Final[dict[str, str]] = {
    "joined_lines": N_("A sentence that a line or page break had cut was joined."),
    "doubled_run": N_("Characters that were repeated at a page break were dropped."),
    "stray_word": N_("A stray English word between Chinese words was dropped."),
    "title_space": N_("A space inside the title was dropped."),
    "bracket_closed": N_("A bracket that never closes was read up to the end of its paragraph."),
}

IGNORED: Final[dict[str, str]] = {
    "blank": N_("A blank line."),
    "page_number": N_("A page number."),
    "decoration": N_("A line of signs without words."),
    "metadata": N_("Particulars that a website puts above a document."),
    "contents": N_("A table of contents."),
    "repeated_title": N_("The title once more."),
    "annex_list": N_("The list of annexes."),
    "note": N_("A note."),
    "table_head": N_("The head of a table."),
    "table_row": N_("A row of a table that names no task."),
    "signature": N_("The name of the issuing organ, already known."),
    "damaged_date": N_("A date that lost its signs and cannot be read."),
    "narrative": N_("Text without a duty and without a date."),
}

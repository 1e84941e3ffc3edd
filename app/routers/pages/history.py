"""Events in words: what a verb is called, what a field is called, what a value means."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.catalogues import translate
from app.messages import N_
from app.services.timelines import Happening

SENTENCES = {
    "assignment.confirm_role": N_("%(who)s confirmed the role of %(name)s."),
    "assignment.create": N_("%(who)s let %(name)s take part."),
    "assignment.remove": N_("%(who)s took %(name)s off the task."),
    "assignment.update": N_("%(who)s changed the part of %(name)s."),
    "attachment.create": N_("%(who)s attached the file %(name)s."),
    "attachment.download": N_("%(who)s downloaded the file %(name)s."),
    "attachment.remove": N_("%(who)s took the file %(name)s off."),
    "demo.build": N_("The demonstration was set up."),
    "plan_import.accept": N_("%(who)s accepted the plan."),
    "task.create": N_("%(who)s added the task %(name)s."),
    "task.update": N_("%(who)s changed the task %(name)s."),
    "task.withdraw": N_("%(who)s withdrew the task %(name)s."),
}
# On a task's own page, where its name would only be said again.
OWN = {
    "task.create": N_("%(who)s added the task."),
    "task.update": N_("%(who)s changed the task."),
    "task.withdraw": N_("%(who)s withdrew the task."),
}
CHANNELS = {
    "api": N_("API"),
    "cli": N_("command line"),
    "web": N_("web page"),
    "worker": N_("worker"),
}
# A verb that has no sentence of its own; %(verb)s is its short name.
_ANY = N_("%(who)s: %(verb)s %(name)s")
# Short names for the audit trail, where who and what stand in columns of their own.
VERBS = {
    "access.read": N_("Read by an auditor"),
    "access.refuse": N_("Request refused"),
    "assignment.confirm_role": N_("Role confirmed"),
    "assignment.create": N_("Unit let in"),
    "assignment.excuse": N_("Unit excused"),
    "assignment.remove": N_("Unit taken off"),
    "assignment.update": N_("Part of a unit changed"),
    "attachment.create": N_("File attached"),
    "attachment.download": N_("File downloaded"),
    "attachment.remove": N_("File taken off"),
    "delete": N_("Row deleted"),
    "demo.build": N_("Demonstration set up"),
    "exchange_package.accept": N_("Exchange package accepted"),
    "exchange_package.apply": N_("Exchange package taken in"),
    "exchange_package.check": N_("Exchange package checked"),
    "exchange_package.choose": N_("Conflicts decided"),
    "exchange_package.download": N_("Exchange package downloaded"),
    "exchange_package.drop": N_("Exchange package given up"),
    "exchange_package.fail": N_("Exchange package failed"),
    "exchange_package.make": N_("Exchange package made"),
    "exchange_package.receive": N_("Exchange package brought"),
    "insert": N_("Row added"),
    "job.cancel": N_("Job stopped"),
    "job.retry": N_("Job tried again"),
    "membership.end": N_("Role ended"),
    "membership.grant": N_("Role granted"),
    "membership.update": N_("Role changed"),
    "plan_import.accept": N_("Plan accepted"),
    "plan_import.create": N_("Plan uploaded"),
    "plan_import.drop": N_("Plan dropped"),
    "programme.create": N_("Programme created"),
    "programme.export": N_("Exchange package asked for"),
    "programme.receive": N_("Rows taken from an exchange package"),
    "programme.update": N_("Programme changed"),
    "seal.ask_verification": N_("Verification asked for"),
    "seal.export": N_("Sealed export downloaded"),
    "seal.verify": N_("Log verified"),
    "session.close": N_("Signed out"),
    "session.open": N_("Sign-in"),
    "session.refuse": N_("Sign-in refused"),
    "session.revoke": N_("Session revoked"),
    "session.revoke_all": N_("All sessions revoked"),
    "store.backup": N_("Backup made"),
    "store.drill": N_("Restoring drilled"),
    "store.restore": N_("Store restored from a backup"),
    "task.create": N_("Task added"),
    "task.update": N_("Task changed"),
    "task.withdraw": N_("Task withdrawn"),
    "token.create": N_("Token issued"),
    "token.revoke": N_("Token revoked"),
    "unit.create": N_("Unit added"),
    "unit.merge": N_("Units merged"),
    "unit.rename": N_("Unit renamed"),
    "unit.update": N_("Unit changed"),
    "update": N_("Row changed"),
    "user.add_second_factor": N_("Second factor added"),
    "user.appoint": N_("Administrator appointed"),
    "user.change_password": N_("Password changed"),
    "user.close": N_("Account closed"),
    "user.close_idle": N_("Account closed, unused"),
    "user.create": N_("Account opened"),
    "user.dismiss": N_("Administrator dismissed"),
    "user.first_run": N_("First administrators made"),
    "user.hand_over": N_("Work handed over"),
    "user.import": N_("Accounts imported"),
    "user.link_identity": N_("Identity linked"),
    "user.issue_reset_code": N_("Reset code issued"),
    "user.permit_link": N_("Linking allowed"),
    "user.read_clear": N_("Personal fields read"),
    "user.remove_second_factor": N_("Second factor removed"),
    "user.renew_recovery_codes": N_("Recovery codes renewed"),
    "user.reopen": N_("Account reopened"),
    "user.reset_password": N_("Password reset"),
    "user.reset_second_factor": N_("Second factor reset"),
    "user.unlink_identity": N_("Identity unlinked"),
    "user.update": N_("Account changed"),
    "user.use_recovery_code": N_("Recovery code used"),
}
FIELDS = {
    "active": N_("Open"),
    "administrator": N_("Administrator"),
    "code": N_("Code"),
    "copied": N_("Files copied"),
    "document_number": N_("Document number"),
    "due_on": N_("Due date"),
    "due_text": N_("Deadline in words"),
    "email": N_("E-mail"),
    "ends_on": N_("Ends on"),
    "error": N_("What went wrong"),
    "expires_on": N_("Expires on"),
    "files": N_("Files"),
    "first_due_on": N_("First due date"),
    "handler_id": N_("Handler"),
    "heading": N_("Heading"),
    "issuer": N_("Issuer"),
    "kind": N_("Kind"),
    "language": N_("Language"),
    "login": N_("Login"),
    "made_at": N_("Made at"),
    "marked": N_("Marked in the plan"),
    "media_type": N_("Kind of file"),
    "missing": N_("Files missing"),
    "name": N_("Name"),
    "named_as": N_("Named in the plan"),
    "open_ended": N_("Open-ended"),
    "part": N_("Part"),
    "passed": N_("Passed"),
    "path": N_("Place in the plan"),
    "phone": N_("Telephone"),
    "plan_number": N_("Version of the plan"),
    "position": N_("Order"),
    "programme_id": N_("Programme"),
    "release": N_("Release"),
    "removed": N_("Taken off"),
    "responsible_people": N_("Responsible people"),
    "revision": N_("Revision of the store"),
    "role": N_("Role"),
    "role_confirmed": N_("Role confirmed"),
    "rows": N_("Rows"),
    "seconds": N_("Seconds"),
    "sha256": N_("SHA-256"),
    "short_name": N_("Short name"),
    "size": N_("Size in bytes"),
    "sort_key": N_("Order in the plan"),
    "source_line": N_("Line of the plan"),
    "starts_on": N_("Starts on"),
    "state": N_("State"),
    "sums": N_("SHA-256 of the list of files"),
    "target": N_("Target"),
    "task_id": N_("Task"),
    "text": N_("Text"),
    "title": N_("Title"),
    "track_id": N_("Track"),
    "unit_id": N_("Unit"),
    "user_id": N_("Account"),
    "what": N_("What"),
    "when_text": N_("When"),
}
# Beside a person's change they only repeat it.
_SILENT = frozenset({"sort_key"})
VALUES = {
    "acknowledged": N_("Acknowledged"),
    "awaiting_confirmation": N_("Awaiting confirmation"),
    "closed": N_("Closed"),
    "completed": N_("Completed"),
    "contested": N_("Adjustment asked for"),
    "done": N_("Done"),
    "draft": N_("Draft"),
    "excused": N_("Excused"),
    "guiding": N_("Guiding"),
    "in_progress": N_("In progress"),
    "issued": N_("Issued"),
    "lead": N_("Lead"),
    "pending": N_("To be acknowledged"),
    "supporting": N_("Supporting"),
    "suspended": N_("Suspended"),
    "undeclared": N_("Undeclared"),
    "under_review": N_("Under review"),
    "withdrawn": N_("Withdrawn"),
}
_WORDED = frozenset({"state", "role"})


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field in words, before and after."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a timeline, as the page shows it."""

    id: int
    at: datetime
    sentence: str
    reason: str
    changes: list[FieldChange]


def sentence(
    language: str, verb: str, actor_id: int | None, actor_name: str | None, name: str, *, own: bool = False
) -> str:
    """Who did what to what, in the reader's language; ``own`` on the page of the thing itself."""
    message = (OWN.get(verb) if own else None) or SENTENCES.get(verb, _ANY)
    return translate(
        language, message, {"who": who(language, actor_id, actor_name), "name": name, "verb": verb_name(language, verb)}
    )


def verb_name(language: str, verb: str) -> str:
    """A verb as the audit trail names it, in the reader's language; one without words keeps its own name."""
    return translate(language, VERBS[verb]) if verb in VERBS else verb


def who(language: str, actor_id: int | None, actor_name: str | None) -> str:
    """A person's name; the system where nobody acted, somebody where the reader may not know who."""
    return actor_name or translate(language, N_("The system") if actor_id is None else N_("Somebody"))


def field_name(language: str, name: str) -> str:
    """A column in words; one that has none keeps its own name."""
    return translate(language, FIELDS[name]) if name in FIELDS else name


def value(language: str, name: str, given: Any) -> str:
    """A value as a person reads it."""
    if given is None or given in ("", []):
        return translate(language, N_("none"))
    if isinstance(given, bool):
        return translate(language, N_("yes") if given else N_("no"))
    if isinstance(given, list):
        return "、".join(str(item) for item in given)
    if name in _WORDED and given in VALUES:
        return translate(language, VALUES[given])
    return str(given)


def entry(language: str, happening: Happening) -> Entry:
    """A Happening of the timeline in the reader's language."""
    changes = [
        FieldChange(
            field_name(language, change.field),
            value(language, change.field, change.before),
            value(language, change.field, change.after),
        )
        for change in happening.changes
        if change.field not in _SILENT
    ]
    text = sentence(
        language, happening.verb, happening.actor_id, happening.actor_name, happening.subject_name, own=True
    )
    return Entry(happening.id, happening.at, text, happening.reason, changes)

"""What a verification says: a sentence for each kind of finding, and the whole report as plain values."""

from typing import Any

from app.messages import N_
from app.rules import seals
from app.rules.seal_checks import Finding, Wrong
from app.services.verification import Report

SENTENCES = {
    Wrong.CHANGED: N_("Event %(event)s (place %(place)s, seal %(seal)s) is not what was sealed."),
    Wrong.FOREIGN: N_("Event %(event)s was not written by the product."),
    Wrong.HEAD_MISSING: N_("The store no longer holds seal %(seal)s, whose fingerprint %(name)s was kept outside."),
    Wrong.HEAD_UNREADABLE: N_("The line %(name)s among the heads that were kept is no head."),
    Wrong.HEAD_WRONG: N_("The head of seal %(seal)s that was kept outside is not signed by the key %(name)s."),
    Wrong.INSERTED: N_("Event %(event)s stands among sealed events and was never sealed."),
    Wrong.KEY_RETURNED: N_("Seal %(seal)s is signed with the key %(name)s, which had been replaced before."),
    Wrong.KEY_UNKNOWN: N_("Seal %(seal)s is signed with the key %(name)s, which is not among the trusted ones."),
    Wrong.LINK_BROKEN: N_("Seal %(seal)s does not follow from the seal before it."),
    Wrong.MISSING: N_("Event %(event)s (place %(place)s, seal %(seal)s) is missing."),
    Wrong.REORDERED: N_("Event %(event)s (seal %(seal)s) is read before event %(other)s, after which it was sealed."),
    Wrong.SEAL_CHANGED: N_("Seal %(seal)s has been changed."),
    Wrong.SEAL_MISSING: N_("Seal %(seal)s is missing."),
    Wrong.SIGNATURE_WRONG: N_("The signature of seal %(seal)s is not made by its key."),
    Wrong.SWAPPED: N_(
        "What was sealed as event %(event)s (place %(place)s, seal %(seal)s) stands under number %(other)s now."
    ),
    Wrong.TRIGGER_FOREIGN: N_(
        "The trigger %(name)s on the log is not the product's: it may drop or change new entries."
    ),
    Wrong.TRIGGER_MISSING: N_("The trigger %(name)s, which protects the log, is missing or does nothing."),
}


def values(finding: Finding) -> dict[str, object]:
    """The values that the sentence of a finding has places for."""
    return {
        "event": finding.event_id,
        "place": finding.place,
        "seal": finding.ordinal,
        "other": finding.other,
        "name": finding.name,
    }


def as_json(report: Report) -> dict[str, Any]:
    """The report for a program, and for the log: numbers, stable words, and each finding's English sentence."""
    head = report.head
    return {
        "whole": report.whole,
        "since": report.since,
        "seals": report.seals,
        "events": report.events,
        "heads": report.heads,
        "newest": head.ordinal if head else None,
        "fingerprint": seals.fingerprint(head.hash) if head and isinstance(head.hash, bytes) else None,
        "unsealed": report.unsealed,
        "oldest_unsealed": report.oldest_unsealed,
        "counts": dict(sorted(report.findings.counts.items())),
        "findings": [
            {"kind": finding.kind.value, **values(finding), "sentence": SENTENCES[finding.kind] % values(finding)}
            for finding in report.findings.named
        ],
    }

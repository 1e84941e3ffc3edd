"""Sealing what is settled, keeping the head outside of the store, and verifying the log when asked.

None of the three is declared ``once``. Sealing reads and digests outside of any writing transaction
and writes one seal at a time, which the store takes only if it follows the newest: repeating it seals
what is left, and two at once cannot fork the chain. A head that is the file's last line already is
not written again. Verifying changes nothing but the entry of its result.
"""

from app import clock
from app.services import events, seal_heads, seals, verification, verification_words
from app.services.work.contract import Work

# Findings that the entry of a result names; the command names more.
NAMED = 50


def seal(work: Work) -> None:
    """Seal what is settled, several batches, until nothing is left or the next minute's job takes over."""
    sealed = 0
    for _ in range(seals.BATCHES):
        found = seals.seal(work.store, work.settings, clock.now, batches=1)
        if not found:
            break
        sealed += found
        work.progress(sealed, 0)


def export_head(work: Work) -> None:
    """Add the newest head to the folder of heads; nothing where nothing has been sealed."""
    try:
        seal_heads.export(work.store, work.settings, work.now)
    except seals.NothingSealed:
        return


def verify(work: Work) -> None:
    """Verify everything, the heads of this machine's folder included, and record the result as an entry."""
    keys = seals.trusted_keys(work.settings, work.store.vault)
    kept = seal_heads.read(seal_heads.kept_here(work.settings))
    report = verification.verify(work.store, keys, heads=kept, progress=work.progress)
    details = verification_words.as_json(report)
    details["findings"] = details["findings"][:NAMED]
    details["asked_by_id"] = work.asked_by_id
    with work.store.transaction() as session:
        events.record(session, work.actor, "seal.verify", name=details["fingerprint"] or "", details=details)

"""Backups: making them, verifying them, restoring from them and proving now and then that it works.

``making.create`` writes one, ``checking.check`` reads it through, ``restoring.restore`` puts it into
an empty place, ``drills.drill`` does so in a temporary one, ``folders.newest`` says how old the newest is.
"""

"""What the kinds of jobs are called, and where their results stand; apart from the work, which only a worker loads."""

from typing import Final

from app.messages import N_

TITLES: Final[dict[str, str]] = {
    "events.export_head": N_("Keep the head of the seals outside of the store"),
    "events.seal": N_("Seal new entries of the log"),
    "events.verify": N_("Verify the log against its seals"),
    "exchange.apply": N_("Take in an exchange package"),
    "exchange.look": N_("Check an exchange package"),
    "exchange.make": N_("Make an exchange package"),
    "logs.keep": N_("Compress and remove old log files"),
    "store.backup": N_("Back up the store and its files"),
    "store.drill": N_("Restore the newest backup on trial"),
    "accounts.close_idle": N_("Close accounts that nobody uses"),
    "sweep": N_("Sweep out expired sessions, throttles and keys"),
}

# The path of the page where the result of a job that a person asked for stands.
RESULTS: Final[dict[str, str]] = {
    "events.verify": "/audit/seals",
    "exchange.apply": "/exchange-packages",
    "exchange.look": "/exchange-packages",
    "exchange.make": "/exchange-packages",
}

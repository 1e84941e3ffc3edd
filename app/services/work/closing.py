"""Closing accounts that nobody uses; it may run again at any point, for it closes each account by itself."""

from app.services import idle_accounts
from app.services.work.contract import Work


def close_idle_accounts(work: Work) -> None:
    """Close the accounts that were not used for as long as the setting says; nothing without one."""
    idle_accounts.close_all(work.store, work.settings, work.actor, work.now)

"""Message ids: English sentences that the catalogues translate."""


def N_(message: str) -> str:
    """Mark ``message`` for the catalogues and give it back unchanged.

    A sentence is translated where it is shown, in the reader's language, so a module that only
    names a sentence marks it. Values stand in it as ``%(name)s``; a sentence is never glued.
    """
    return message

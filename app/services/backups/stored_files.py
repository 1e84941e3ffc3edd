"""Which files the records refer to: the columns that hold the digest of a file in the storage."""

# Table > column. A test holds that every such column of the models is named here.
COLUMNS = {
    "attachments": "sha256",
    "exchange_packages": "sha256",
    "plan_imports": "sha256",
    "plan_versions": "sha256",
}


def query(tables: frozenset[str]) -> str:
    """SQL for the digests of all files, each once, in order; of the tables that a store of any release has."""
    parts = [
        f"SELECT {column} AS sha256 FROM {table} WHERE length({column}) = 64"  # noqa: S608 - the names above
        for table, column in sorted(COLUMNS.items())
        if table in tables
    ]
    return f"SELECT sha256 FROM ({' UNION '.join(parts)}) AS wanted ORDER BY 1" if parts else ""  # noqa: S608

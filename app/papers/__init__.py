"""Documents: reading plans, writing official documents and workbooks. Data in, bytes out."""

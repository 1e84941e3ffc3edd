"""What a caller may send and what a caller sees; plain pydantic, without tables."""

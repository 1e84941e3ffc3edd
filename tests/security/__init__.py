"""What is shipped, and what is known against it."""

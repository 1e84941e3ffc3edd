"""What reaches into the world outside."""

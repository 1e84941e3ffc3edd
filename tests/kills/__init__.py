"""Kill rounds: the server and a worker are killed while eight write, and what was acknowledged must be there."""

"""``python -m app.cli``, for a checkout that was moved after it was installed."""

from app.cli import main

if __name__ == "__main__":
    main()

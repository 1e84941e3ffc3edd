"""The compose services as they run: ``make trial``, as root on Debian. No part of ``make test``."""

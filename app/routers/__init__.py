"""The way in over HTTP: pages for people, the REST API for other systems."""

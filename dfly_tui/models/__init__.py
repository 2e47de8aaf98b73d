"""Frozen values: what was seen of an instance, a replication link, a container, a metrics page."""

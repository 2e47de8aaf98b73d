"""A look-alike Dragonfly for demos and tests: two flavours, real replication between processes, faults on demand.

It says `dfly_tui_lab:1` in its `INFO SERVER`, so that a simulation is never taken for the real thing.
"""

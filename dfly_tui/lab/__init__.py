"""The embedded look-alike Dragonfly for demos and tests. It is a simulation and says so."""

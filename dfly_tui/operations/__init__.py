"""Every change to the world: who may make it, and the record of it."""

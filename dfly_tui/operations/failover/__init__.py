"""Changing the roles of a group: checks, plans, what happens afterwards."""

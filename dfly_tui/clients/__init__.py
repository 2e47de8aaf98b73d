"""The only code that talks to the outside: Dragonfly, its /metrics page, Docker."""

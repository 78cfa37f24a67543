"""Real PostgreSQL and Valkey servers for one machine, without Docker and without root."""

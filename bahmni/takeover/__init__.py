"""Taking an installation over from Avni's Java integration service: its database, its records, what it has written."""

"""Avni ↔ Bahmni: the OpenMRS client, the translators of both directions, and what they declare."""

"""Records of Avni on their way into Bahmni."""

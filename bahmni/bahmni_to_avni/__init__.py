"""Records of Bahmni on their way into Avni."""

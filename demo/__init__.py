"""The demonstration: both simulators, a private broker, web, worker and beat, and patients on their way."""

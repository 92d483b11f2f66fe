"""Activities of a centre: broadcasts, trainings, information materials, management decisions."""

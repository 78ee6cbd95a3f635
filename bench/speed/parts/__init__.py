"""What is measured, one part each: functions that yield the values of one round for one subject."""

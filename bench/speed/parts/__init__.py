"""What is measured, one part each: functions that yield the values of one round about one subject."""

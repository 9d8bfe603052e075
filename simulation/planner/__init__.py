"""The planner alone, against a plain reading of the rules: many small worlds through every call."""

"""Side effects on behalf of workflows: write the record, call a province. They know nothing of workflows."""

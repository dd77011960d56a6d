"""What the example of a data contract needs besides its DAG."""

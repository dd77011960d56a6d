"""What the flights DAGs share: the deliveries, the features, the suite."""

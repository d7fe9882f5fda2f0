"""What `make` runs: environments, the local AWS, builds, deployments and the guided run."""

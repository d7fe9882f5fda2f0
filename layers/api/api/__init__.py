"""What the project's HTTP APIs share: problem details, input checks and the resolver."""

"""What the deployment tests stand on."""

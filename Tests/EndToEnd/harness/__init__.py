"""What the black-box tests stand on: processes, a client and an upstream that show exact octets, and the joiner."""

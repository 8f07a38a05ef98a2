"""What each screen says, one file each: pure functions from the state to a `Screen`."""

"""Arrays in, arrays out; knows no distribution."""

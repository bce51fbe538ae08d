"""What is measured: quality on real data, the choice of the defaults, speed, memory."""

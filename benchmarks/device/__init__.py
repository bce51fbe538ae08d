"""Programs around exported C, and an emulated Cortex-M4 to run them on."""

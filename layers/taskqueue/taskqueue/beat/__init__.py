"""Tasks that run on schedules: when they are due, and the tick that sends them."""

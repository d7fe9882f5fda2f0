"""What `app.control` asks workers elsewhere, answered from the table of task records."""

"""How AWS answers: its errors as ours, and requests of many items."""

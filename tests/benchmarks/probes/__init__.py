"""Measurements that run in a process of their own, as a function would."""

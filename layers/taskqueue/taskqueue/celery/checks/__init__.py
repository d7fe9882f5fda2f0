"""What of a Celery app cannot run here, what is other than elsewhere, and what it needs.

A worker refuses by these rules when it starts, and `taskqueue doctor` tells them beforehand. Pure:
nothing here asks AWS.
"""

"""News to friends: friendships, news, feeds, and the fan-out from one to the other."""

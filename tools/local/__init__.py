"""The local AWS: started, deployed to, and what it does otherwise than AWS."""

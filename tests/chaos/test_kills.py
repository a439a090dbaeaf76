"""Whatever is killed, and whenever: the same command goes on, and in the end nothing is lost and nothing done twice."""

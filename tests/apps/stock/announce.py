import sys

print("a post-write hook has", sys.argv[1])

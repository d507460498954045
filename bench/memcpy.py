"""Copies as many bytes as the files have, 64 MB at a time: what memory alone takes."""
import os
import sys

import numpy as np

PIECE = 64 * 1024 * 1024
source, target = np.ones(PIECE, np.uint8), np.zeros(PIECE, np.uint8)
for _ in range(-(-sum(os.path.getsize(path) for path in sys.argv[1:]) // PIECE)):
    np.copyto(target, source)

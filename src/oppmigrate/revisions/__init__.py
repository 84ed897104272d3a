"""Revision files and the graph they make, read by their syntax and never by running them."""

from oppmigrate.revisions.checksum import checksum_of
from oppmigrate.revisions.drawing import draw_graph
from oppmigrate.revisions.graph import Graph, load_graph, read_revision_files
from oppmigrate.revisions.indexed import known_checksums, remember_checksums
from oppmigrate.revisions.reading import RevisionFile, read_revision_file

__all__ = [
    "Graph",
    "RevisionFile",
    "checksum_of",
    "draw_graph",
    "known_checksums",
    "load_graph",
    "read_revision_file",
    "read_revision_files",
    "remember_checksums",
]

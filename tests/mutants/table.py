"""All planted faults, part by part."""

from tests.mutants.fault import Fault
from tests.mutants.faults import codecs, coding, edges, files, laws, models, pictures, searches, structures

PARTS: dict[str, tuple[Fault, ...]] = {
    "coding": coding.FAULTS,
    "laws": laws.FAULTS,
    "searches": searches.FAULTS,
    "structures": structures.FAULTS,
    "models": models.FAULTS,
    "codecs": codecs.FAULTS,
    "pictures": pictures.FAULTS,
    "files": files.FAULTS,
    "edges": edges.FAULTS,
}
FAULTS = [fault for part in PARTS.values() for fault in part]

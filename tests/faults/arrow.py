"""Faults: Arrow columns and files."""

from faults.fault import Fault

PARTS, LISTS, PYX = "sklstm/_list_parts.py", "sklstm/_lists.py", "sklstm/_arrow.pyx"
FILES = "sklstm/_arrow_files.py"
STRUCTS = "test_arrow_structs.py"

FAULTS = [
    Fault(
        "arrow-offset",
        "the offset of an array is not added",
        PARTS,
        "return self.array.offset + self.start",
        "return self.start",
        STRUCTS,
    ),
    Fault(
        "arrow-beyond",
        "entries beyond the length of an array are read",
        PARTS,
        "self.start + self.n > self.array.length",
        "self.start > self.array.length",
        STRUCTS,
    ),
    Fault(
        "arrow-decreasing",
        "lists may end before they begin",
        PARTS,
        "wrong = (starts < 0) | (ends < starts)",
        "wrong = starts < 0",
        STRUCTS,
    ),
    Fault(
        "arrow-bits",
        "bits are read from the begin of their byte",
        PARTS,
        "return bits[first % 8 :].view(bool)",
        "return bits[:n].view(bool)",
        STRUCTS,
    ),
    Fault(
        "arrow-null-count",
        "an unknown number of nulls is none",
        PARTS,
        "self.array.null_count != 0 and",
        "self.array.null_count > 0 and",
        STRUCTS,
    ),
    Fault(
        "arrow-sizes",
        "steps may differ in their number of features",
        PARTS,
        "        if (sizes != size).any():\n",
        "        if size < 0:\n",
        STRUCTS,
    ),
    Fault(
        "arrow-chunks",
        "every chunk begins with sequence 0 in messages",
        LISTS,
        "                    first += len(block.offsets) - 1\n        except",
        "                    first += 0\n        except",
        STRUCTS,
    ),
    Fault(
        "arrow-owner",
        "memory does not keep its array alive",
        PYX,
        "        memory.owner = self.owner\n",
        "",
        STRUCTS,
    ),
    Fault(
        "arrow-released",
        "arrays are never released",
        PYX,
        "        if self.array.release != NULL:\n            self.array.release(&self.array)\n",
        "        self.array.length = 0\n",
        STRUCTS,
    ),
    Fault(
        "arrow-moved",
        "an array is released by its capsule too",
        PYX,
        "            array.release = NULL  # moved\n",
        "",
        "test_arrow.py",
    ),
    Fault(
        "arrow-same-array",
        "an iterator that fills one array again has its last sequence everywhere",
        FILES,
        'np.array(array, self._dtype, order="C")',
        'np.asarray(array, self._dtype, order="C")',
        "test_arrow_files.py",
    ),
    Fault(
        "arrow-batches",
        "all sequences are in one record batch",
        FILES,
        "columns[0].n_bytes >= BATCH_BYTES",
        "columns[0].n_bytes < 0",
        "test_arrow_files.py",
    ),
]

"""Published tables on this machine: fetched or added once, found by name afterwards.

Each kind of table has an importer, named by a string as problems are, that turns the published
file into a folder that opens quickly. The folders lie in the data directory: ``LAMCTS_DATA``, else
``lamcts`` in the user's cache directory.
"""

from lamcts.datasets._specs import DataError, DatasetSpec, find_dataset, list_datasets
from lamcts.datasets._store import Stored, add, data_folder, fetch, find_data, list_data

__all__ = [
    "DataError",
    "DatasetSpec",
    "Stored",
    "add",
    "data_folder",
    "fetch",
    "find_data",
    "find_dataset",
    "list_data",
    "list_datasets",
]

"""Files of measured cells: the official TFRecords, LaNAS' JSON, CSV, and what they become.

``tfrecord`` and ``metrics`` know the official formats, ``records`` what stands in them,
``convert`` makes a folder of columns (``columns``) of them, ``text`` reads the other files, and
``synthetic`` writes official-looking files to test with.
"""

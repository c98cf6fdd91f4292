"""What a reader sees is what the transcripts in __snapshots__ say."""

from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import (
    SingleFileSnapshotExtension,
    WriteMode,
)

from tests.helpers import SCRIPTS, begin, each_script, mask, run_copy


class Transcript(SingleFileSnapshotExtension):
    """A .txt file for each script."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


@each_script(run_copy)
def test_transcript(name: str, snapshot: SnapshotAssertion) -> None:
    """In a copy of its folder, a script prints its transcript."""
    result, files = begin(run_copy, name).result()

    assert result.stderr == ""
    assert result.returncode == 0
    originals = {path.name for path in SCRIPTS[name].parent.glob("*.py")}
    assert files == originals
    transcript = mask(result.stdout)
    assert transcript == snapshot(extension_class=Transcript)

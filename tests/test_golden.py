"""What a reader sees is what the transcripts in __snapshots__ say."""

from syrupy.assertion import SnapshotAssertion
from syrupy.extensions import single_file

from tests.helpers import SCRIPTS, begin, each_script, mask, run_copy


class Transcript(single_file.SingleFileSnapshotExtension):
    """A .txt file for each script."""

    _write_mode = single_file.WriteMode.TEXT
    file_extension = "txt"


@each_script(run_copy)
def test_transcript(name: str, snapshot: SnapshotAssertion) -> None:
    """In a copy of its folder, a script prints its transcript."""
    result, files = begin(run_copy, name).result()
    assert (result.stderr, result.returncode) == ("", 0)
    assert files == {path.name for path in SCRIPTS[name].parent.glob("*.py")}
    assert mask(result.stdout) == snapshot(extension_class=Transcript)

"""What a reader sees is what the transcripts in __snapshots__ say."""

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import (
    SingleFileSnapshotExtension,
    WriteMode,
)
from syrupy.types import (
    PropertyFilter,
    PropertyMatcher,
    SerializableData,
    SerializedData,
)

from tests.helpers import SCRIPTS, mask, run_copy


class Transcript(SingleFileSnapshotExtension):
    """A .txt file for each script, with its here: lines masked."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"

    def serialize(
        self,
        data: SerializableData,
        *,
        exclude: PropertyFilter | None = None,
        include: PropertyFilter | None = None,
        matcher: PropertyMatcher | None = None,
    ) -> SerializedData:
        """The text as it is stored."""
        return mask(data)


@pytest.mark.parametrize(("item", "script"), SCRIPTS.values(), ids=SCRIPTS)
def test_transcript(
    item: str, script: str, snapshot: SnapshotAssertion
) -> None:
    """Copied alone into an empty folder, a script prints its transcript."""
    result, files = run_copy(item, script)

    assert result.stderr == ""
    assert result.returncode == 0
    assert files == [f"{script}.py"]
    assert result.stdout == snapshot(extension_class=Transcript)

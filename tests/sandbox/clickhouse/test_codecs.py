import pytest

from sandbox.clickhouse.codecs import ENCODERS, choose_encoding, unpack
from sandbox.clickhouse.errors import EngineRefusedError

FRAMED = sorted({"gzip", "lz4", "zstd"} & set(ENCODERS))


@pytest.mark.parametrize("name", FRAMED)
def test_unpack_body_of_several_frames_is_read_to_its_end(name: str) -> None:
    frames = [b"a" * 9_000, b"", b"b" * 70_000]
    assert unpack(b"".join(map(ENCODERS[name], frames)), name) == b"".join(frames)


@pytest.mark.parametrize("name", sorted(ENCODERS))
def test_unpack_body_that_is_cut_off_is_refused(name: str) -> None:
    whole = ENCODERS[name](bytes(range(256)) * 100)
    assert unpack(whole, name.upper()) == bytes(range(256)) * 100
    with pytest.raises(EngineRefusedError) as caught:
        unpack(whole[:-5], name)
    assert caught.value.code == 271


@pytest.mark.parametrize(
    ("accepted", "chosen"), [("", ""), ("snappy", ""), ("snappy, GZIP;q=0.5, deflate", "gzip"), ("deflate,gzip", "deflate")]
)
def test_choose_encoding_takes_the_first_that_is_known(accepted: str, chosen: str) -> None:
    assert choose_encoding(accepted) == chosen

import numpy as np
import pytest

from core.errors import Invalid
from integrations.audio.formats import Format
from integrations.audio.recordings import Recordings
from integrations.audio.sound import Doubt, Speech
from tests.recordings import recording

WHOLE = [
    ("milk.wav", Format.WAV),
    ("milk.webm", Format.WEBM),
    ("milk-live.webm", Format.WEBM),
    ("milk.ogg", Format.OGG),
    ("milk.m4a", Format.MP4),
    ("milk-alac.m4a", Format.MP4),
    ("milk-fragmented.mp4", Format.MP4),
    ("milk.aac", Format.AAC),
    ("milk.mp3", Format.MP3),
    ("milk.flac", Format.FLAC),
    ("milk.aiff", Format.AIFF),
]


def envelope(speech: Speech) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """How loud it is, 50 times a second."""
    samples = np.frombuffer(speech.pcm, np.int16).astype(float)
    windows = samples[: len(samples) // 320 * 320].reshape(-1, 320)
    return np.asarray(np.sqrt((windows**2).mean(axis=1)))


def alike(one: Speech, other: Speech) -> float:
    """1: the same sounds at the same times, but for the shift that encoders begin with."""
    first, second = envelope(one), envelope(other)
    found = [0.0]
    for shift in range(-6, 7):
        a, b = first[max(shift, 0) :], second[max(-shift, 0) :]
        length = min(len(a), len(b))
        found.append(float(np.corrcoef(a[:length], b[:length])[0, 1]))
    return max(found)


@pytest.mark.parametrize(("name", "container"), WHOLE)
async def test_the_same_words_come_out_of_every_container(
    recordings: Recordings, name: str, container: Format
) -> None:
    original = await recordings.decode(recording("milk.wav"), max_seconds=120)
    decoded = await recordings.decode(recording(name), max_seconds=120)
    assert decoded.format == container
    assert decoded.doubts == []
    assert decoded.speech.seconds == pytest.approx(1.805, abs=0.12)
    assert alike(decoded.speech, original.speech) > 0.95


async def test_other_words_are_not_alike(recordings: Recordings) -> None:
    one = await recordings.decode(recording("milk.wav"), max_seconds=120)
    other = await recordings.decode(recording("phrase-plants.webm"), max_seconds=120)
    assert alike(one.speech, other.speech) < 0.8


@pytest.mark.parametrize("name", ["milk.wav", "phrase-mother.webm", "phrase-meeting.webm"])
async def test_it_is_as_loud_as_speech_usually_is(recordings: Recordings, name: str) -> None:
    decoded = await recordings.decode(recording(name), max_seconds=120)
    levels = envelope(decoded.speech)
    spoken = levels[levels > levels.max() / 30]
    decibels = 20 * np.log10(np.sqrt((spoken**2).mean()) / 32768)
    assert decibels == pytest.approx(-20, abs=1.5)


async def test_silence_stays_silent(recordings: Recordings) -> None:
    decoded = await recordings.decode(recording("silence.ogg"), max_seconds=120)
    assert set(decoded.speech.pcm) == {0}


@pytest.mark.parametrize(
    ("name", "doubt"),
    [
        ("milk-cut.webm", Doubt.TRUNCATED),
        ("milk-cut.ogg", Doubt.TRUNCATED),
        ("milk-cut.wav", Doubt.TRUNCATED),
        ("milk-cut.flac", Doubt.TRUNCATED),
        ("milk-cut-fragmented.mp4", Doubt.TRUNCATED),
        ("milk-cut.mp3", None),  # nothing in it tells how long it was
    ],
)
async def test_what_is_there_of_a_cut_file_is_decoded_and_said_to_be_part(
    recordings: Recordings, name: str, doubt: Doubt | None
) -> None:
    original = await recordings.decode(recording("milk.wav"), max_seconds=120)
    decoded = await recordings.decode(recording(name), max_seconds=120)
    assert 0.8 < decoded.speech.seconds < 1.2
    assert alike(decoded.speech, original.speech) > 0.95
    assert (doubt in decoded.doubts) is (doubt is not None)


@pytest.mark.parametrize(
    ("name", "code"),
    [("milk-cut.m4a", "undecodable"), ("picture.webm", "no_audio"), ("README.md", "not_audio")],
)
async def test_what_holds_no_sound_is_refused(recordings: Recordings, name: str, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        await recordings.decode(recording(name), max_seconds=120)
    assert caught.value.code == code


async def test_length_is_counted_and_a_recorder_may_stop_a_moment_late(
    recordings: Recordings,
) -> None:
    assert (await recordings.decode(recording("phrase-mother.webm"), max_seconds=3)).speech.pcm
    with pytest.raises(Invalid) as caught:
        await recordings.decode(recording("phrase-mother.webm"), max_seconds=2)
    assert caught.value.code == "too_long"
    assert "2 seconds" in caught.value.detail


@pytest.mark.parametrize(
    "name", ["milk.wav", "phrase-mother.webm", "phrase-meeting.webm", "milk-cut.ogg"]
)
async def test_speech_is_found_where_it_begins(recordings: Recordings, name: str) -> None:
    decoded = await recordings.decode(recording(name), max_seconds=120)
    speech = decoded.speech
    quiet = bytes(32_000 * 2)
    began = await recordings.speech_begins(Speech(quiet + speech.pcm + quiet))
    assert began is not None
    assert 1.6 < began < 2.4


async def test_a_click_before_somebody_speaks_is_no_speech(recordings: Recordings) -> None:
    speech = (await recordings.decode(recording("milk.wav"), max_seconds=120)).speech
    began = await recordings.speech_begins(Speech(speech.pcm[:3_200] + bytes(32_000 * 2)))
    assert began is None


@pytest.mark.parametrize("name", ["silence.ogg", "tone.mp3", "noise.webm"])
async def test_what_is_no_speech_is_not_taken_for_it(recordings: Recordings, name: str) -> None:
    decoded = await recordings.decode(recording(name), max_seconds=120)
    assert await recordings.speech_begins(decoded.speech) is None


@pytest.mark.parametrize("pcm", [b"", b"\0", b"\0" * 100])
async def test_next_to_nothing_holds_no_speech(recordings: Recordings, pcm: bytes) -> None:
    assert await recordings.speech_begins(Speech(pcm)) is None

import io

from eval.runs.progress import EVERY_S, progress_of


def told(*steps: tuple[float, float, str]) -> list[str]:
    """The lines of a run of 200 s of sound: instant, seconds done, and name of each step."""
    stream = io.StringIO()
    clock = iter([0.0, *(at for at, _, _ in steps)])
    with progress_of(200, stream=stream, clock=lambda: next(clock)) as progress:
        for _, done_s, name in steps:
            progress(done_s, name)
    return stream.getvalue().splitlines()


def test_a_log_gets_a_line_now_and_then_with_the_time_left() -> None:
    assert told((0, 0.01, "a.wav"), (1, 1, "a.wav"), (EVERY_S, 5, "b.wav")) == [
        "Playing 0:00 of 3:20 of sound: a.wav",
        "Playing 0:05 of 3:20 of sound, 6:30 left: b.wav",
    ]


def test_no_time_left_is_guessed_from_a_blink_of_sound() -> None:
    assert told((EVERY_S + 2, 1e-9, "a.wav")) == ["Playing 0:00 of 3:20 of sound: a.wav"]


def test_a_terminal_gets_a_bar() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    with progress_of(10, stream=terminal) as progress:
        progress(5, "a.wav")
        progress(20, "b.wav")  # a clip may last longer than it was said to
    assert "100%" in terminal.getvalue()

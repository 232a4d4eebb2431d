"""Environments that keep count of those that were made and not closed."""

from toy_envs import Walk

MADE, OPEN = [], []


class Counted(Walk):
    def __init__(self, breaks_at=None):
        super().__init__()
        self.breaks_at = breaks_at
        MADE.append(self)
        OPEN.append(self)

    def step(self, actions):
        if self.time == self.breaks_at:
            raise ZeroDivisionError
        return super().step(actions)

    def close(self):
        OPEN.remove(self)


class Loud(Walk):
    def close(self):
        print("closed", flush=True)


def third_fails():
    if len(MADE) == 2:
        raise ZeroDivisionError
    return Counted()


class Noted(Walk):
    """Writes a line to ``notes`` when it is made and another when it is closed; fails in step ``breaks_at``."""

    def __init__(self, notes, breaks_at=None):
        super().__init__()
        self.notes, self.breaks_at = notes, breaks_at
        self.note("made")

    def note(self, what):
        with open(self.notes, "a") as file:
            file.write(f"{what}\n")

    def step(self, actions):
        if self.time == self.breaks_at:
            raise ZeroDivisionError
        return super().step(actions)

    def close(self):
        self.note("closed")

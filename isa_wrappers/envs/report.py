"""The findings of a check of an environment."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        about: what it is about, in a word or two.
        verdict: ``fine``, ``note`` (good to know), ``warning`` (works, and probably not as meant) or ``refused``.
        says: what was seen.
        remedy: what to do; empty where nothing is to be done.
    """

    about: str
    verdict: str
    says: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.verdict:<8} {self.about}: {self.says}" + (f"; {self.remedy}" if self.remedy else "")


@dataclass
class EnvReport:
    """What :func:`check_env` found.

    Attributes:
        findings: in the order in which they were looked for; where something is refused, what follows is left out.
    """

    findings: list[Finding] = field(default_factory=list)

    @property
    def refused(self) -> bool:
        """ISA cannot take the environment as it is."""
        return any(finding.verdict == "refused" for finding in self.findings)

    @property
    def warned(self) -> bool:
        """Something is probably not as it was meant."""
        return any(finding.verdict == "warning" for finding in self.findings)

    def __str__(self) -> str:
        return "\n".join(map(str, self.findings))

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        findings = [asdict(finding) for finding in self.findings]
        return {"refused": self.refused, "warned": self.warned, "findings": findings}

    def add(self, about: str, verdict: str, says: str, remedy: str = "") -> None:
        """Note something."""
        self.findings.append(Finding(about, verdict, says, remedy))

"""Where the stories of the demo are told: the stage they share, and the steps as they are printed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import click

from hub.cli_cast import Cast
from hub.cli_sportello import Sportello
from hub.config import Config


@dataclass(frozen=True)
class Scena:
    """The stage: processes that run, a database that is configured. A story that goes wrong ends with `cast.fail`."""

    cast: Cast
    config: Config
    hub_url: str
    simulator_url: str
    sportello: Sportello


class Racconto:
    """A story as it is printed: its title, then its steps, numbered out of as many as were announced."""

    def __init__(self, titolo: str, passi: int) -> None:
        self._passi = passi
        self._fatti = 0
        click.echo(f"\n{titolo}")

    def step(self, sentence: str, **values: object) -> None:
        """Print one step with its values, each under the name of its keyword."""
        self._fatti += 1
        click.echo(f"{self._fatti}/{self._passi} {sentence}")
        width = max((len(name) for name in values), default=0)
        for name, value in values.items():
            click.echo(f"      {name.replace('_', ' ').ljust(width)}  {value}")


# A story plays on the stage and prints what happens. Raises: Refusal when any of it did not.
Storia = Callable[[Scena], None]

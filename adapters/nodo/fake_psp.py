"""The PSPs of the simulator: who stands behind the counter."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Psp:
    """A PSP as receipts and activations name it. `commissione_cent`: what it takes of the payer."""

    id: str
    codice_fiscale: str
    nome: str
    canale: str
    descrizione_canale: str
    commissione_cent: int


# The second one is there so that a notice can be paid twice.
PSP = (
    Psp("PSP_PROVA", "00000000000", "PSP di prova del simulatore", "PSP_PROVA_01", "SPORTELLO", 150),
    Psp("PSP_SECONDO", "11111111115", "Secondo PSP del simulatore", "PSP_SECONDO_01", "APP", 100),
)

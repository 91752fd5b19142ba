"""The pages of docs/operazioni: operations told by the contract, the catalogue of faults and a played story."""

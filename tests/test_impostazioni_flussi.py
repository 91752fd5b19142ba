"""What the process of flows is told by the one that it takes the place of."""

from __future__ import annotations

import os

from hub.config_reading import load_config
from hub.impostazioni_flussi import ImpostazioniFlussi

ENV = {
    "PONTEPA_AMBIENTE": "sviluppo",
    "PONTEPA_DATABASE_URL": "postgresql+psycopg://a:p%40r\u00f2la@db/pontepa",
    "PONTEPA_DATA_DIR": "/var/lib/ponte pa",
    "PONTEPA_S3_BUCKET": "flussi",
    "PONTEPA_S3_ACCESS_KEY": "chi",
    "PONTEPA_S3_SECRET_KEY": "segretissima",
    "PONTEPA_CONSERVA_EXPORT_GIORNI": "30",
    "PONTEPA_IUV_QUINDICI_FINO_AL": "2030-01-31",
    "PONTEPA_FLUSSI_LEASE_S": "2.5",
}


def test_what_is_told_is_what_was_configured():
    config = load_config(None, ENV)
    ours, theirs = os.pipe()
    os.write(theirs, ImpostazioniFlussi.of(config).to_json())
    os.close(theirs)

    told = ImpostazioniFlussi.receive(ours)

    assert told == ImpostazioniFlussi.of(config)
    assert (told.conserva_export_giorni, told.conserva_flussi_giorni, told.flussi_lease_s) == (30, None, 2.5)
    assert told.modelli_dir == config.modelli_dir and told.iuv_quindici_fino_al == config.iuv_quindici_fino_al


def test_its_secrets_are_not_shown():
    told = repr(ImpostazioniFlussi.of(load_config(None, ENV)))

    assert "segretissima" not in told and "p%40r" not in told

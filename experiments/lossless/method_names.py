"""Names of the lossless methods for readers; a module of its own, so that reports import no codec."""

METHOD_NAMES = {
    "bb-ans": "BB-ANS",
    "bb-ans-rec": "BB-ANS started by REC",
    "pfr": "PFR",
    "orc": "ORC",
    "as-star": "AS*",
    "ad-star": "AD*",
    "dad-star": "DAD*",
    "gprs": "GPRS",
}

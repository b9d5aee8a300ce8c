"""What people call the methods of files; apart, since reports need no codec."""

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

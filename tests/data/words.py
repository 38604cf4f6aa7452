"""What no instrument may ask, and the offices that may be named."""

import re

OFFICES = {
    "customs_service",
    "border_guard_service",
    "migration_service",
    "quarantine_service",
    "narcotics_service",
    "agency_headquarters",
    "regional_command",
    "trade_office",
}
FORBIDDEN = re.compile(
    r"traffick|smuggl|terror|extremis|politic|election|party|president|government|religio|mosque|muslim|faith|pray|"
    r"ethnic|tribe|clan|nationality|refugee|asylum|displaced|drug|weapon",
    re.IGNORECASE,
)
BRIBE = re.compile(r"gift|bribe|beyond the official fee|favour|money", re.IGNORECASE)

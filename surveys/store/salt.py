"""Codes of shifts and interviewers, turned into ones that nobody can look up in a roster."""

import hmac


def salted(salt: str, *parts: str) -> str:
    """HMAC-SHA256 of the parts, its first 128 bits as hexadecimal digits; "" where the last part is ""."""
    if not parts[-1]:
        return ""
    return hmac.digest(salt.encode(), "\0".join(parts).encode(), "sha256").hex()[:32]

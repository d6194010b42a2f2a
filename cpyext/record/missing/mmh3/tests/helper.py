"""What mmh3's tests import from a file that its source distribution does not have."""


def u32_to_s32(value: int) -> int:
    """The signed number with the same 32 bits."""
    return value - (1 << 32) if value >> 31 else value

"""A slow twin of rans.py and serialize.py in plain Python integers: a readable definition, and the oracle of the tests.

It follows the same conventions by other means: lists instead of arrays, loops instead of masks, and an integer of any
size for the bits of an open message.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

_MASS_BITS, _HEAD_MIN, _HEAD_END = 16, 1 << 24, 1 << 32


@dataclass
class ReferenceMessage:
    """One message: the heads of its lanes over a shared list of bytes.

    Attributes:
        heads: States of the lanes.
        tail: Bytes below the heads, oldest first.
    """

    heads: list[int]
    tail: list[int] = field(default_factory=list)

    @classmethod
    def empty(cls, lanes: int) -> "ReferenceMessage":
        """Makes a message without symbols, an open one if it has one lane.

        Args:
            lanes: Number of lanes.

        Returns:
            The message.
        """
        return cls([1] if lanes == 1 else [_HEAD_MIN] * lanes)

    def push(self, starts: list[int], freqs: list[int]) -> None:
        """Pushes one symbol per lane; lanes shed their first bytes in lane order, then their second bytes.

        Args:
            starts: Smallest values of the symbols.
            freqs: Masses of the symbols, at least 1.
        """
        shed = [[], []]
        for lane, (start, freq) in enumerate(zip(starts, freqs, strict=True)):
            head = self.heads[lane]
            for part in shed:
                if head * (1 << _MASS_BITS) >= freq * _HEAD_END:
                    part.append(head % 256)
                    head //= 256
            slots = self._slots(start, freq)
            self.heads[lane] = (head // freq << _MASS_BITS) + slots[head % freq]
        self.tail += shed[0] + shed[1]

    def values(self) -> list[int]:
        """Returns the values on top of the lanes."""
        return [self._value(head % (1 << _MASS_BITS)) for head in self.heads]

    def pop(self, starts: list[int], freqs: list[int]) -> None:
        """Pops one symbol per lane, undoing the push of the same intervals.

        Args:
            starts: Smallest values of the symbols.
            freqs: Masses of the symbols.
        """
        for lane, (start, freq) in enumerate(zip(starts, freqs, strict=True)):
            block, slot = divmod(self.heads[lane], 1 << _MASS_BITS)
            self.heads[lane] = freq * block + self._slots(start, freq).index(slot)
        for least in (_HEAD_MIN // 256, _HEAD_MIN):
            for lane in reversed(range(len(self.heads))):
                if self.heads[lane] < least and self.tail:
                    self.heads[lane] = self.heads[lane] * 256 + self.tail.pop()

    def _value(self, slot: int) -> int:
        """Returns the value of a slot: in an open message, the slot's bits in reverse order.

        Reversing twice changes nothing, so it also returns the slot of a value.
        """
        return int(f"{slot:0{_MASS_BITS}b}"[::-1], 2) if len(self.heads) == 1 else slot

    def _slots(self, start: int, freq: int) -> Sequence[int]:
        values = range(start, start + freq)
        return sorted(map(self._value, values)) if len(self.heads) == 1 else values

    def push_symbols(self, cdf: list[int], symbols: list[int]) -> None:
        """Pushes one symbol per lane from a table of cumulative masses.

        Args:
            cdf: Cumulative masses from 0 to 2^16.
            symbols: One symbol per lane.
        """
        self.push([cdf[s] for s in symbols], [cdf[s + 1] - cdf[s] for s in symbols])

    def pop_symbols(self, cdf: list[int]) -> list[int]:
        """Pops one symbol per lane by a linear search in a table of cumulative masses.

        Args:
            cdf: Cumulative masses from 0 to 2^16.

        Returns:
            One symbol per lane.
        """
        symbols = [max(s for s in range(len(cdf) - 1) if cdf[s] <= value) for value in self.values()]
        self.pop([cdf[s] for s in symbols], [cdf[s + 1] - cdf[s] for s in symbols])
        return symbols

    def to_bytes(self) -> bytes:
        """Returns the bytes of `serialize.to_bytes`."""
        return b"".join(head.to_bytes(4, "big") for head in self.heads) + bytes(self.tail)

    def to_bits(self) -> str:
        """Returns the bits of an open message, as a string of 0 and 1."""
        number = self.heads[0] * 256 ** len(self.tail) + int.from_bytes(bytes(self.tail), "little")
        return f"{number:b}"[1:]

"""The slow twin of message.py and wire.py in plain Python integers: the oracle of the tests, and a readable definition.

It keeps the same conventions by other means: lists instead of arrays, loops instead of masks, an integer of any size
for the bits of an open message.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

_MASS_BITS, _HEAD_MIN, _HEAD_END = 16, 1 << 24, 1 << 32


@dataclass
class ReferenceMessage:
    """One message: the heads of its lanes over a shared list of bytes."""

    heads: list[int]
    tail: list[int] = field(default_factory=list)

    @classmethod
    def empty(cls, lanes: int) -> "ReferenceMessage":
        return cls([1] if lanes == 1 else [_HEAD_MIN] * lanes)

    def push(self, starts: list[int], freqs: list[int]) -> None:
        """Push one symbol per lane; lanes shed their first bytes in lane order, then their second bytes."""
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
        """The values on top of the lanes."""
        return [self._value(head % (1 << _MASS_BITS)) for head in self.heads]

    def pop(self, starts: list[int], freqs: list[int]) -> None:
        """Undo the push of the same intervals."""
        for lane, (start, freq) in enumerate(zip(starts, freqs, strict=True)):
            block, slot = divmod(self.heads[lane], 1 << _MASS_BITS)
            self.heads[lane] = freq * block + self._slots(start, freq).index(slot)
        for least in (_HEAD_MIN // 256, _HEAD_MIN):
            for lane in reversed(range(len(self.heads))):
                if self.heads[lane] < least and self.tail:
                    self.heads[lane] = self.heads[lane] * 256 + self.tail.pop()

    def _value(self, slot: int) -> int:
        """The value of a slot: in an open message its bits in reverse, which is also the slot of a value."""
        return int(f"{slot:0{_MASS_BITS}b}"[::-1], 2) if len(self.heads) == 1 else slot

    def _slots(self, start: int, freq: int) -> Sequence[int]:
        values = range(start, start + freq)
        return sorted(map(self._value, values)) if len(self.heads) == 1 else values

    def push_symbols(self, cdf: list[int], symbols: list[int]) -> None:
        """Push a symbol per lane from one table of cumulative masses."""
        self.push([cdf[s] for s in symbols], [cdf[s + 1] - cdf[s] for s in symbols])

    def pop_symbols(self, cdf: list[int]) -> list[int]:
        """Pop a symbol per lane, by a linear search."""
        symbols = [max(s for s in range(len(cdf) - 1) if cdf[s] <= value) for value in self.values()]
        self.pop([cdf[s] for s in symbols], [cdf[s + 1] - cdf[s] for s in symbols])
        return symbols

    def to_bytes(self) -> bytes:
        """The bytes of wire.to_bytes."""
        return b"".join(head.to_bytes(4, "big") for head in self.heads) + bytes(self.tail)

    def to_bits(self) -> str:
        """The bits of an open message, as a string of 0 and 1."""
        number = self.heads[0] * 256 ** len(self.tail) + int.from_bytes(bytes(self.tail), "little")
        return f"{number:b}"[1:]

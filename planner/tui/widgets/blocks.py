"""A picker whose entries may take several lines each, as long as all of them are seen."""

from __future__ import annotations

from collections.abc import Sequence

from planner.tui.text import Row
from planner.tui.widgets.lines import Picker


class Blocks(Picker):
    """Entries take as many lines as the pane has for all of them; where one each is too many, it scrolls."""

    LONGEST = 9

    def block(self, index: int, width: int, most: int) -> list[Row]:
        """Entry `index` in at most `most` lines."""
        raise NotImplementedError

    def row(self, index: int, width: int) -> Row:
        """The entry in one line."""
        return self.block(index, width, 1)[0]

    def room(self, height: int) -> int:
        """Lines for the entries, of `height`."""
        return height

    @property
    def scrolls(self) -> bool:
        """Whether a line each is too many."""
        return self.count() > self.room(self.size.height)

    def blocks(self, width: int, height: int) -> list[list[Row]] | None:
        """All entries, the longest ones cut until all fit; None where a line each is too many."""
        count, room = self.count(), self.room(height)
        if count > room:
            return None
        found = [self.block(index, width - 1, self.LONGEST) for index in range(count)]
        lengths = [len(block) for block in found]
        while sum(lengths) > room:
            longest = max(range(count), key=lambda index: (lengths[index], index))
            lengths[longest] -= 1
        return [
            block if len(block) == most else self.block(index, width - 1, most)
            for index, (block, most) in enumerate(zip(found, lengths, strict=True))
        ]

    def rows(self, width: int, height: int) -> Sequence[Row]:
        """The entries, the lines of the one under the cursor marked."""
        found = self.blocks(width, height)
        if found is None:
            return super().rows(width, height)
        self.top, self._height = 0, height
        return [self.marked(row, index) for index, block in enumerate(found) for row in block]

    def index_at(self, y: int) -> int | None:
        """The entry at line `y` of the pane."""
        found = self.blocks(self.size.width, self.size.height)
        if found is None:
            return super().index_at(y)
        owners = [index for index, block in enumerate(found) for _ in block]
        return owners[y] if y < len(owners) else None

    def bring_into_view(self) -> None:
        """Scroll so that the cursor is seen, where there is anything to scroll."""
        if self.scrolls:
            super().bring_into_view()

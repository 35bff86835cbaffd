"""What the map shows: stages, zoom, the three views, all guests; and the way from problem to problem."""

from __future__ import annotations

from planner.model.address import Sbdf
from planner.model.edits import SetSize
from planner.model.span import GIB4, Span
from planner.policy.findings import Finding
from planner.tui.bands import Band
from planner.tui.screens.plan_screen import PlanScreen
from planner.tui.view import BELOW, Look
from planner.tui.widgets.device_list import DeviceList
from planner.tui.widgets.memory_map import MemoryMap, no_map
from planner.tui.widgets.problems import Problems
from planner.xen.build import STAGES


class MapActions(PlanScreen):
    """Looking around; nothing here changes the plan."""

    def action_look(self, look: str) -> None:
        """The map, or what else the middle pane can show."""
        wanted = Look.MAP if self.shown.look == look else Look(look)
        address = self.address
        self.show(self.shown.having(look=wanted, note=""))
        self.middle = "map" if wanted is Look.MAP else "compare"
        self.pane(self.middle).show(self.shown)
        self.go_to_address(address)
        self.go_to_pane(self.middle)

    def action_stage(self, step: int) -> None:
        """The next stage, round and round; after the last one, the map as it is in the end."""
        build = self.shown.build
        if build is None or build.layout is None:
            self.say(no_map(build))
            return
        self.leave_look()
        names = [None, *STAGES]
        now = names[(names.index(self.shown.stage) + step) % len(names)]
        self.show(self.shown.having(stage=now, look=Look.MAP, note=""))
        self.go_to_pane("map", quietly=True)
        self.point_at_stage()

    def action_zoom(self) -> None:
        """Below 4 GiB; the ranges of a line that holds several; all of it."""
        view, shown = self.shown, self.query_one(MemoryMap)
        band = shown.subject()
        if view.look is not Look.MAP:
            self.say("only the map zooms: here every range has a line of its own")
            return
        if view.build is None or view.build.layout is None:
            self.say(no_map(view.build))
            return
        zoom: Span | None = None
        if view.zoom is None and view.build.segments[-1].span.end > GIB4:
            zoom = BELOW
        elif isinstance(band, Band) and band.parts and view.zoom != band.span:
            zoom = band.span
        elif view.zoom is None:
            others = "go to a line that holds several" if shown.merges else "every range has a line of its own"
            self.say(f"nothing lies above 4 GiB: {others}")
            return
        self.show(view.having(zoom=zoom, note=""))
        self.go_to_pane("map")

    def leave_looks(self) -> bool:
        """Back from zoom, stage and views to the plain map; False where it was that already."""
        view = self.shown
        if (view.look, view.stage, view.zoom) == (Look.MAP, None, None):
            return False
        self.leave_look()
        self.show(self.shown.having(stage=None, zoom=None, note=""))
        self.go_to_pane("map")
        return True

    # To places

    def go_to_device(self, address: Sbdf) -> None:
        """Put the devices pane's cursor on that device."""
        devices = self.query_one(DeviceList)
        if devices.needle:
            self.end_filter("")
        self.go_to_pane("devices")
        if not devices.go_to(address):
            self.say(f"▲ {address} is not in the host's inventory")

    def go_to_finding(self, finding: Finding) -> None:
        """Go to a finding's device, or else to its range in the map; what is told is still the finding."""
        self._put_bar(finding)
        found = True
        if finding.device is not None:
            self.go_to_pane("devices", quietly=True)
            found = self._show_device(finding.device)
        elif finding.region is not None:
            self.leave_looks()
            self.go_to_pane("map", quietly=True)
            self.query_one(MemoryMap).go_to(finding.region.start, silently=True)
        elif self._choose_size(finding):
            self.go_to_pane("sizes", quietly=True)
        self.point(finding)
        if not found:
            self.say(f"▲ {finding.device} is not in the host's inventory")
        elif not (finding.device or finding.region or finding.setting in SetSize.KEYS):
            self.say("no device, range or size belongs to it")

    def _put_bar(self, finding: Finding) -> None:
        """Put the problems' cursor on a finding."""
        found = next((at for at, group in enumerate(self.shown.problems) if finding in group), None)
        if found is not None:
            self.query_one(Problems).move(found, silently=True)

    def _show_device(self, address: Sbdf) -> bool:
        """Put the devices' cursor on a device, wherever the focus is; a filter that hides it ends. False: unknown."""
        devices = self.query_one(DeviceList)
        if devices.needle and not devices.go_to(address, silently=True):
            self.drop_filter()
        return devices.go_to(address, silently=True)

    def _choose_size(self, finding: Finding) -> bool:
        """Make the size that a finding is about the one that the keys change; False where it is about none."""
        at = next((at for at, size in enumerate(self.shown.sizes) if size.key == finding.setting), None)
        if at is not None:
            self.show(self.shown.having(size=at))
        return at is not None

    def action_next_problem(self, step: int) -> None:
        """The next finding of the list, and its place."""
        groups = self.shown.problems
        if not groups:
            self.say("no problem with this guest or the host")
            return
        problems = self.query_one(Problems)
        problems.move(problems.beyond(step), silently=True)
        finding = groups[problems.cursor][0]
        if finding.device is not None:
            self._show_device(finding.device)
        elif finding.region is None and self._choose_size(finding):
            self.put_left("sizes")
        if finding.region is not None:
            self.query_one(MemoryMap).go_to(finding.region.start, silently=True)
            if self.left == "host":
                from planner.tui.widgets.host_list import HostList

                self.query_one(HostList).go_to(finding.region)
        self.point(finding)

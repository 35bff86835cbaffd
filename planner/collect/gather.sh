#!/bin/sh
# Packs what rdm-planner needs to know of this host into a tar; changes nothing on the host.
# Usage: sh gather.sh [FILE.tar]     Root may read more. Then: rdm-planner collect FILE.tar -o host.toml
# Needs sh, tar, cat, mkdir, readlink, rm, sed, dd and od; uses lspci, dmesg and xl where they are.

redact=yes # host names, MAC addresses and serial numbers are taken out; "no" keeps them

set -u
umask 077
LC_ALL=C
export LC_ALL
out=${1:-rdm-host.tar}
work=${TMPDIR:-/tmp}/rdm-gather.$$
mkdir "$work" || exit 2
trap 'rm -rf "$work"' EXIT
trap 'exit 2' HUP INT TERM
name=$(cat /proc/sys/kernel/hostname 2>/dev/null)
short=${name%%.*}
if [ "$redact" = no ]; then short=; fi
# In a sed expression a dot is the only special character that a host name may have.
pattern=$(printf '%s' "$short" | sed 's/[^A-Za-z0-9_-]/./g')
case $pattern in '' | ? | ?? | localhost | dom0 | xen | host | server) pattern=$(printf '\001') ;; esac
hex='[0-9A-Fa-f][0-9A-Fa-f]'

clean() { # standard input, without what is private
	if [ "$redact" = no ]; then
		cat
	else
		sed -e "s/$hex:$hex:$hex:$hex:$hex:$hex/xx:xx:xx:xx:xx:xx/g" \
			-e "s/$hex-$hex-$hex-$hex-$hex-$hex\(-$hex-$hex\)*/xx-xx-xx-xx-xx-xx/g" \
			-e 's/\([Ss]erial [Nn]umber:* *\)[^ ].*/\1(redacted)/' \
			-e 's/\([Ss]erial[Nn]umber: *\)[^ ].*/\1(redacted)/' \
			-e "s/$pattern/HOST/g"
	fi
}

keep() { # keep PATH: a file of the host, as it is
	if [ -r "$1" ] && [ ! -d "$1" ]; then
		mkdir -p "$work/files${1%/*}"
		cat "$1" >"$work/files$1" 2>/dev/null || rm -f "$work/files$1"
	fi
}

link() { # link PATH: where a link points, as a line of text
	if [ -h "$1" ]; then
		printf '%s -> %s\n' "$1" "$(readlink "$1")" >>"$work/files/links.txt"
	fi
}

bytes() { # bytes FILE OFFSET: four bytes there, as decimal numbers
	od -A n -v -t u1 -j "$2" -N 4 "$1" 2>/dev/null
}

unserial() { # unserial CONFIG: write zeros over the Device Serial Number, which is often a MAC address
	at=256
	turns=0
	while [ "$at" -ge 256 ] && [ "$turns" -lt 64 ]; do
		# shellcheck disable=SC2046
		set -- "$1" $(bytes "$1" "$at")
		[ $# -eq 5 ] || return
		if [ "$2" -eq 3 ] && [ "$3" -eq 0 ]; then
			dd if=/dev/zero of="$1" bs=1 seek=$((at + 4)) count=8 conv=notrunc 2>/dev/null
		fi
		at=$((($4 / 16 + $5 * 16) / 4 * 4))
		turns=$((turns + 1))
	done
}

run() { # run FILE COMMAND...: what a command prints
	file=$1
	shift
	if command -v "$1" >/dev/null 2>&1; then
		"$@" </dev/null 2>/dev/null | clean >"$work/files/$file"
		if [ ! -s "$work/files/$file" ]; then
			rm -f "$work/files/$file"
			echo "missing: '$*' said nothing; run this as root" >&2
		fi
	elif [ "$1" != xl ]; then
		echo "missing: there is no $1 here" >&2
	fi
}

mkdir "$work/files"
for device in /sys/bus/pci/devices/*; do
	for file in boot_vga class config device irq label numa_node reset_method resource revision sriov_numvfs \
		subsystem_device subsystem_vendor uevent vendor \
		resource0_resize resource1_resize resource2_resize resource3_resize resource4_resize resource5_resize; do
		keep "$device/$file"
	done
	if [ "$redact" != no ] && [ -f "$work/files$device/config" ]; then
		unserial "$work/files$device/config"
	fi
	for file in driver physfn iommu_group; do
		link "$device/$file"
	done
	for file in "$device"/msi_irqs/*; do
		keep "$file"
	done
done
for file in /sys/firmware/acpi/tables/DMAR /sys/firmware/acpi/tables/RMAD /sys/firmware/acpi/tables/IVRS \
	/sys/kernel/iommu_groups/*/reserved_regions /sys/firmware/memmap/*/start /sys/firmware/memmap/*/end \
	/sys/firmware/memmap/*/type /sys/hypervisor/type /proc/iomem /proc/net/route /proc/self/mountinfo; do
	keep "$file"
done
for file in /sys/dev/block/* /sys/class/block/* /sys/class/block/*/slaves/* /sys/class/net/* /sys/class/net/*/lower_* \
	/sys/class/net/*/brif/*; do
	link "$file"
done
run lspci.txt lspci -D -vvnn
run dmesg.txt dmesg
run xl-info.txt xl info
run xl-dmesg.txt xl dmesg
run xl-pci-assignable-list.txt xl pci-assignable-list
run xl-list-l.json xl list -l

if [ ! -f "$work/files/sys/firmware/acpi/tables/DMAR" ] && [ ! -f "$work/files/sys/firmware/acpi/tables/RMAD" ] &&
	[ ! -f "$work/files/sys/firmware/acpi/tables/IVRS" ]; then
	echo "missing: no DMAR, RMAD or IVRS table could be read; run this as root" >&2
fi
if [ "$redact" != no ] && [ -f "$work/files/proc/self/mountinfo" ]; then
	# Only what is mounted on / is of use; the rest may name other hosts.
	sed -n '/^[0-9]* [0-9]* [0-9:]* [^ ]* \/ /p' "$work/files/proc/self/mountinfo" >"$work/mounts"
	cat "$work/mounts" >"$work/files/proc/self/mountinfo"
fi
(cd "$work/files" && tar cf - .) >"$out" || exit 2
echo "wrote $out" >&2

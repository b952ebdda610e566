#!/usr/bin/env bash
# Shows that a night is the same on amd64 and on arm64, where Lambda runs: Go may fuse
# a multiplication and an addition there, and one digit that differs would show.
#
#   infra/tools/arm64-same.sh        or: make arm64-same
#
# It runs the tests of the arithmetic as arm64 programs, works the night of the demo's
# lake and a report of an invented table of orders on both, and compares the SHA-256 of
# every file. It needs an amd64 Linux machine and qemu-aarch64, which runs arm64
# programs one by one; where that is missing it installs Debian's qemu-user.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
root=$PWD
export CGO_ENABLED=0

[ "$(go env GOHOSTARCH)" = amd64 ] || {
	echo "arm64-same: compares an amd64 machine with arm64; this one is $(go env GOHOSTARCH)" >&2
	exit 2
}
if ! command -v qemu-aarch64 >/dev/null; then
	echo "arm64-same: qemu-aarch64 is missing; installing the package qemu-user" >&2
	apt-get install -y -qq qemu-user >&2 || {
		echo "arm64-same: could not install qemu-user; on Debian and Ubuntu: apt-get update && apt-get install qemu-user" >&2
		exit 3
	}
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# under FILE ARGUMENTS… runs the program of one architecture: arm64 ones by qemu.
under() {
	local program=$1
	shift
	case $program in
	*-arm64) qemu-aarch64 "$program" "$@" ;;
	*) "$program" "$@" ;;
	esac
}

# sums prints the SHA-256 of every file that is to be equal.
sums() { (cd "$1" && find . -type f "${@:2}" -exec sha256sum {} + | sort -k 2); }

# same SAYS ONE TWO FEWEST FIND… compares two folders.
same() {
	local count
	sums "$2" "${@:5}" >"$work/one.sums"
	sums "$3" "${@:5}" >"$work/two.sums"
	diff "$work/one.sums" "$work/two.sums" >&2 || {
		echo "FAILED: $1 differs between amd64 (<) and arm64 (>)" >&2
		exit 1
	}
	count=$(wc -l <"$work/one.sums")
	[ "$count" -ge "$4" ] || {
		echo "FAILED: $1: only $count files were compared" >&2
		exit 1
	}
	echo "$1: $count files are equal on amd64 and arm64"
}

for package in lib/money lib/schema lib/analytics/prediction lib/analytics; do
	GOARCH=arm64 go test -c -o "$work/tests-arm64" "./$package"
	(cd "$package" && under "$work/tests-arm64") >"$work/said" 2>&1 || {
		tail -n 40 "$work/said" >&2
		echo "FAILED: the tests of $package as an arm64 program" >&2
		exit 1
	}
	echo "$package: its tests pass as an arm64 program"
done

for arch in amd64 arm64; do GOARCH=$arch go build -trimpath -buildvcs=false -o "$work/leadlake-$arch" ./infra/leadlake; done
# ELF header, bytes 18 and 19: 0xB7 is aarch64.
[ "$(od -An -tx1 -j18 -N2 "$work/leadlake-arm64" | tr -d ' \n')" = b700 ]

# The night of the demo's lake, which was filled once. A manifest and the pointer to it
# tell when they were written, and folded orders carry a nonce; no table does.
"$work/leadlake-amd64" demo -exit -data "$work/demo" >/dev/null 2>"$work/said" || {
	cat "$work/said" >&2
	exit 1
}
as_of=$(sed -n 's/^  "as_of": "\(.*\)",$/\1/p' "$work/demo/gold/current.json")
for arch in amd64 arm64; do
	cp -r "$work/demo" "$work/$arch"
	rm -rf "$work/$arch/"{gold,audiences,lake/orders,lake/people} # orders are folded anew, too
	echo "{\"as_of\": \"$as_of\"}" | under "$work/leadlake-$arch" invoke -data "$work/$arch" -event - analytics >"$work/said"
done
same "the tables of the demo's night" "$work/amd64/gold" "$work/arm64/gold" 25 ! -path './runs/*' ! -path ./current.json
same "the people of the demo's night" "$work/amd64/lake/people" "$work/arm64/lake/people" 2

# A table of orders of 4 000 clients, with all models fitted. Minstd (Park and Miller
# 1988) stays below 2⁵³, so that every awk makes the same table.
awk 'function next_(n) { x = (x * 16807) % 2147483647; return x % n }
BEGIN {
	x = 2026; print "order_id,client,date,amount,item,category,quantity"
	for (c = 1; c <= 4000; c++) {
		day = next_(600); many = 1 + (next_(10) < 5 ? 0 : next_(8)); pace = 10 + next_(90)
		for (o = 1; o <= many && day < 672; o++) {
			item = next_(40)
			printf "%d-%d,C%05d,%04d-%02d-%02d,%d.%02d,sku-%d,category-%d,%d\n", c, o, c, 2024 + int(day / 336), 1 + int(day % 336 / 28), 1 + day % 28, 50 + next_(9000), next_(100), item, item % 7, 1 + next_(3)
			day += 1 + next_(2 * pace)
		}
	}
}' >"$work/orders.csv"
for arch in amd64 arm64; do
	under "$work/leadlake-$arch" report -as-of 2025-12-28 -currency RUB -timezone Europe/Moscow -out "$work/report-$arch" "$work/orders.csv" >"$work/said" 2>&1 || {
		cat "$work/said" >&2
		exit 1
	}
done
same "the report of orders.csv ($(($(wc -l <"$work/orders.csv") - 1)) orders)" "$work/report-amd64" "$work/report-arm64" 50
echo "arm64-same: no byte differs"

#!/usr/bin/env bash
# Makes the invented shops, the demo and, where its data stand beside the project,
# CDNOW, and compares every table of their nights with the definitions in SQL. Then
# it reads the audience files of every platform back.
#
#   infra/oracle/run.sh [-v]     -v prints every table, not those alone that differ
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

infra/oracle/install.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

go build -o "$work/leadlake" ./infra/leadlake
"$work/leadlake" demo -exit -data "$work/demo" >/dev/null 2>"$work/demo.log" || {
	cat "$work/demo.log" >&2
	exit 1
}
purchases=()
cdnow=../shared/data/CDNOW_master.txt
if [ -f "$cdnow" ]; then
	purchases=(-cdnow "$cdnow")
else
	echo "SKIPPED: no CDNOW_master.txt beside the project, so the oracle sees invented purchases only"
fi
go run ./infra/oracle -out "$work/shops" -demo "$work/demo" "${purchases[@]}"
node infra/oracle/oracle.mjs "$@" "$work/shops"
go run ./infra/oracle -audiences "$work/audiences"
node infra/oracle/audience.mjs check "$work/audiences"

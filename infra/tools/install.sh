#!/usr/bin/env bash
# Installs pinned tools into .bin at the root of the project:
#
#   infra/tools/install.sh NAME…
#
# Versions stand in tools.txt beside this file. A tool that is there in its
# pinned version is left alone, so the script may run before every use. It
# prints the path of each tool on standard output, in the order asked for.
# Several processes may run it at once: a tool appears under its name in one
# step, and where flock(1) exists only one of them builds.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
bin=$root/.bin

if [ $# -eq 0 ]; then
	echo "usage: infra/tools/install.sh NAME…   (names: the last path elements in infra/tools/tools.txt)" >&2
	exit 2
fi

# pinned prints the package@version of the tool named $1.
pinned() {
	local line package
	while IFS= read -r line; do
		case $line in '' | '#'*) continue ;; esac
		package=${line%@*}
		if [ "${package##*/}" = "$1" ]; then
			printf '%s\n' "$line"
			return 0
		fi
	done <"$here/tools.txt"
	echo "install.sh: no tool named $1 in infra/tools/tools.txt" >&2
	return 2
}

# current tells whether the binary $1 is package@version $2. Go writes both into
# every binary, which is a better stamp than a file beside it.
current() {
	[ -x "$1" ] || return 1
	go version -m "$1" 2>/dev/null | awk -v package="${2%@*}" -v version="${2##*@}" '
		$1 == "path" && $2 == package { same_package = 1 }
		$1 == "mod" && $3 == version { same_version = 1 }
		END { exit !(same_package && same_version) }'
}

mkdir -p "$bin"
[ -f "$bin/.gitignore" ] || printf '*\n' >"$bin/.gitignore"

for name in "$@"; do
	want=$(pinned "$name")
	if ! current "$bin/$name" "$want"; then
		(
			if command -v flock >/dev/null 2>&1; then
				exec 9>"$bin/.$name.lock"
				flock 9
			fi
			current "$bin/$name" "$want" && exit 0
			fresh=$(mktemp -d "$bin/.fresh.XXXXXX")
			trap 'rm -rf "$fresh"' EXIT
			echo "installing $want (once; this may take minutes)" >&2
			# The tool is built as its own module for this machine, whatever
			# cross-compilation the caller is in the middle of.
			cd "$fresh"
			env -u GOOS -u GOARCH -u GOFLAGS GOWORK=off GOBIN="$fresh" go install "$want" >&2
			mv -f "$fresh/$name" "$bin/$name"
		)
	fi
	printf '%s\n' "$bin/$name"
done

#!/usr/bin/env bash
# Installs the pinned engines that the night is measured against into node_modules
# beside this file. What is there in the version of package-lock.json is left alone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
	echo "install.sh: the bench needs Node.js 20 or later with npm (Debian, Ubuntu: apt-get install nodejs npm)" >&2
	exit 3
fi
cmp -s package-lock.json node_modules/.of && exit 0
# Not `npm ci`: it refuses a lock file without the packages of nodejs-polars for other
# systems that were never published. Versions and checksums are the lock file's all the same.
npm install --no-save --no-audit --no-fund --loglevel=error >&2
cp package-lock.json node_modules/.of

#!/usr/bin/env bash
# Renew the two libraries that the console's pages load, from npm: after a change of the versions in
# include/samklang/console/vendor/package.json, or with --check to see that the shipped files are what the lock names.
set -euo pipefail

console="$(cd "$(dirname "$0")/.." && pwd)/include/samklang/console"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

cp "$console"/vendor/package*.json "$work"
if [ "${1:-}" = --check ]; then
  target="$work/shipped" && mkdir "$target"
else
  target="$console/static/vendor" && mkdir -p "$target"
  (cd "$work" && npm install --package-lock-only --ignore-scripts --no-audit --no-fund --silent)
fi
# npm compares each package with the lock's sha512
(cd "$work" && npm ci --ignore-scripts --no-audit --no-fund --silent)

strip() { sed '/^\/\/# sourceMappingURL=/d' "$1"; } # the maps are not shipped
modules="$work/node_modules"
strip "$modules/htmx.org/dist/htmx.min.js" >"$target/htmx.min.js"
strip "$modules/chart.js/dist/chart.umd.min.js" >"$target/chart.umd.min.js"
cp "$modules/htmx.org/LICENSE" "$target/htmx.LICENSE.txt"
cp "$modules/chart.js/LICENSE.md" "$target/chart.LICENSE.txt"
{
  printf '\nchart.umd.min.js contains @kurkle/color:\n\n'
  cat "$modules/@kurkle/color/LICENSE.md"
} >>"$target/chart.LICENSE.txt"
(cd "$target" && sha256sum -- *.js *.txt >SHA256SUMS)

if [ "${1:-}" = --check ]; then
  diff -r "$target" "$console/static/vendor" && echo "The shipped files are those of the lock."
else
  cp "$work/package-lock.json" "$console/vendor/package-lock.json"
fi

#!/usr/bin/env bash
# Known vulnerabilities of the locked packages, from the first advisory service that answers.
# A service counts only if it knows an advisory that has long been public: a mirror without advisories finds nothing.
# Without one this says that nothing was audited, and passes; with one, a finding fails.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly VULNERABLE='jinja2==3.1.2' # CVE-2024-22195
probe=$(mktemp)
trap 'rm -f "$probe"' EXIT
echo "$VULNERABLE" >"$probe"

audit() { .venv/bin/pip-audit --disable-pip --progress-spinner off --timeout 10 "$@"; }

for service in pypi osv; do
  # a finding makes it end with 1
  if { audit --vulnerability-service "$service" --no-deps --format json --requirement "$probe" || true; } 2>/dev/null |
    grep -q '"id"'; then
    # strict: a package that the service does not know is a failure, not a pass
    audit --vulnerability-service "$service" --strict --require-hashes --requirement requirements.lock
    exit
  fi
done
echo "  not audited: no advisory service within reach"

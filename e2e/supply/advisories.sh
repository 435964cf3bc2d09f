#!/bin/sh
# Looks for known vulnerabilities of what Tidemark ships and of what tests it: by
# govulncheck in the packages that the host and the guest link, by npm audit in the
# lock files. A finding fails. Where a database cannot be reached, a line says so
# and the check passes. Of tools that only tests run, findings below "high" pass.
set -u
cd "$(dirname "$0")/../.."
govulncheck=${GOVULNCHECK:-build/govulncheck}
failed=0

# bounded runs a command for a minute, where the system can.
bounded() {
	if command -v timeout >/dev/null; then timeout 60 "$@"; else "$@"; fi
}

unreached() { echo "$1: not run, its database cannot be reached"; }

# A small package first: to load a large one takes long, and comes before the database.
out=$(bounded "$govulncheck" ./shared/abi 2>&1)
case "$?:$out" in
124:* | *"fetching vulnerabilities"*) unreached govulncheck ;;
*)
	"$govulncheck" ./wasm/cmd/tidemark || failed=1
	GOOS=js GOARCH=wasm "$govulncheck" ./worker || failed=1
	;;
esac

# audit FOLDER OPTIONS looks at a lock file. It returns 1 if the database cannot be reached.
audit() {
	folder=$1
	shift
	options="--package-lock-only --fetch-retries=0 --fetch-timeout=20000 $*"
	report=$(cd "$folder" && bounded npm audit --json $options 2>/dev/null)
	ended=$?
	case "$report" in
	*auditReportVersion*) [ "$ended" -eq 0 ] || { echo "$folder:"; (cd "$folder" && npm audit $options); failed=1; } ;;
	*) unreached "npm audit"; return 1 ;;
	esac
}

if command -v npm >/dev/null; then
	audit web --omit=dev --audit-level=low && audit web --audit-level=high &&
		audit e2e --audit-level=high && audit e2e/perf/rooms/peers --audit-level=high &&
		audit e2e/contract --audit-level=high
else
	echo "npm audit: not run, there is no npm"
fi
exit $failed

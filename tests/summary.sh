# shellcheck shell=bash
# What a run of tests/run comes to. Sourced by it.
#
# A results file has a line for each claim, written by `record` (tests/clients/lib.sh): verdict, seconds, script, claim; with tabs between. The verdict is pass, fail or skip.
# A line whose verdict is `time` is a whole script's.

# Skips that CI=true does not turn into failures: a pattern (grep -E) of `script: claim`, and after the tab why it may be skipped there.
MAY_SKIP=(
	'^clients/power/loss\.sh: .*no filesystem in a file can be mounted	a container may have no loop devices'
)

# excuse SKIP: why it may be skipped under CI=true; fails if it may not.
excuse() {
	local entry
	for entry in "${MAY_SKIP[@]}"; do
		if grep -qE -- "${entry%%$'\t'*}" <<<"$1"; then
			printf '%s\n' "${entry#*$'\t'}"
			return
		fi
	done
	return 1
}

# slowest HEADING: of lines `seconds name`, the ten slowest, under this heading.
slowest() {
	sort -rn | awk -v heading="$1" 'NR > 10 { next } NR == 1 { print heading } { seconds = $1; sub(/^[^ ]* /, ""); printf "%8.1f s  %s\n", seconds, $0 }'
}

# slowest_hermetic JUNIT: by the report that nextest writes.
slowest_hermetic() {
	sed -n 's/.*<testcase name="\([^"]*\)" classname="\([^"]*\)".* time="\([0-9.]*\)".*/\3 \2 \1/p' "$1" | slowest "the slowest hermetic tests:"
}

# summary RESULTS: the slowest, the skips with their reasons, the failures and the sums; its exit code says whether the run has passed.
summary() {
	local results=$1 skip reason failed=0 unexcused=0
	awk -F '\t' '$1 == "time" { print $2, $3 }' "$results" | slowest "the slowest scripts:"
	awk -F '\t' '$1 == "pass" || $1 == "fail" { print $2, $3 ": " $4 }' "$results" | cut -c 1-150 | slowest "the slowest claims:"
	while read -r skip; do
		if reason=$(excuse "$skip"); then
			printf 'skipped: %s (%s)\n' "$skip" "$reason"
		elif [ "${CI:-}" = true ]; then
			printf 'FAILED: skipped, and CI=true allows that only what MAY_SKIP in tests/summary.sh names: %s\n' "$skip"
			unexcused=$((unexcused + 1))
		else
			printf 'skipped: %s\n' "$skip"
		fi
	done < <(awk -F '\t' '$1 == "skip" { print $3 ": " $4 }' "$results")
	awk -F '\t' '$1 == "fail" { print "FAILED: " $3 ": " $4 }' "$results"
	awk -F '\t' '$1 != "time" { sub(/\/.*/, "", $3); parts[$3]; count[$3, $1]++ }
		END { for (part in parts) printf "%s: %d passed, %d failed, %d skipped\n", part, count[part, "pass"], count[part, "fail"], count[part, "skip"] }' "$results" | sort
	failed=$(grep -c '^fail	' "$results" || true)
	[ $((failed + unexcused)) = 0 ]
}

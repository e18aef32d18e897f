#!/usr/bin/env bash
# The packages that Open WebUI's own script ships: each of them is there, each as the distribution has it, and all of them load with the network cut.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
source "$ROOT/tests/clients/pyodide.sh"
need node "Open WebUI"
need npm "Open WebUI"
need python3 "Open WebUI"

RELEASE=314.0.3
# What its script asks micropip for, and what it takes from the index beside that.
PACKAGES=(
	micropip packaging requests beautifulsoup4 numpy pandas matplotlib scikit-learn scipy regex sympy tiktoken seaborn pytz openai
	black openpyxl python-docx python-pptx xlsxwriter
)

distribution $RELEASE || { skip "Open WebUI: its wheel cannot be had from the Python index" && finish; }
serve "$PYODIDE"
project=$WORK/webui
pyodide_project "$project" $RELEASE "${PACKAGES[@]}" || { fail "Open WebUI: npm cannot lock it" && finish; }
lay_out "Open WebUI" "$project" || finish
folder=$project/static/pyodide

# shipped FOLDER: `name` of every package whose file is in the folder, a line each.
shipped() {
	node -e '
		const [folder] = process.argv.slice(1);
		const lock = JSON.parse(fs.readFileSync(`${folder}/pyodide-lock.json`, "utf8"));
		const normal = (name) => name.replace(/[-_.]+/g, "-").toLowerCase();
		const there = Object.entries(lock.packages).filter(([, entry]) => fs.existsSync(`${folder}/${entry.file_name}`));
		console.log(there.map(([name]) => normal(name)).sort().join("\n"));
	' "$1"
}
equals "Open WebUI: packages that its script ships and larder does not" "" \
	"$(comm -23 <(shipped "$PYODIDE/v$RELEASE/full") <(shipped "$folder") | tr '\n' ' ')"
equals "Open WebUI: entries of the lock without a file" 0 "$(comm -3 <(shipped "$folder") <(names "$folder" | sort) | wc -l)"
different=0
for file in "$folder"/*.whl; do
	theirs=$PYODIDE/v$RELEASE/full/$(basename "$file")
	[ ! -e "$theirs" ] || cmp -s "$file" "$theirs" || different=$((different + 1))
done
equals "Open WebUI: wheels of the same name with other bytes" 0 "$different"

# The same inputs give the same folder, from an empty place and over what is there.
code=$(cd "$project" && run "$WORK/again" "$LARDER" view pyodide "$WORK/again-folder" --offline --store "$STORE")
equals "Open WebUI: exit code of a second view, offline" 0 "$code"
if diff -r "$folder" "$WORK/again-folder" >"$WORK/difference"; then
	pass "Open WebUI: the second folder is equal to the byte"
else
	fail "Open WebUI: the second folder differs: $(head -n 3 "$WORK/difference")"
fi

loads "Open WebUI" "$folder"

# A package that was not asked for is unknown, and not a failed request in a user's browser.
code=$(run "$WORK/unknown" cut_network node "$CHECK_NODE" "$folder" networkx)
if [ "$code" != 0 ] && grep -q "No known package with name 'networkx'" "$WORK/unknown.err"; then
	pass "Open WebUI: a package that is not shipped is unknown to the loader"
else
	fail "Open WebUI: a package that is not shipped: exit code $code" && show "$WORK/unknown"
fi
finish

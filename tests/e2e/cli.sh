#!/usr/bin/env bash
# Exit codes, errors for programs, languages, width, pipes.
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"

# expect TEXT EXIT ARGUMENT...: the command of esch ends with that code.
expect() {
    local text=$1 code=$2
    shift 2
    run esch "$@"
    is "$text: exit $code" "$status" "$code"
}

# expect_error TEXT EXIT CODE ARGUMENT...: the same with --json, one line on stderr, nothing on stdout.
expect_error() {
    local text=$1 code=$2 name=$3
    shift 3
    run esch --json "$@"
    is "$text: exit $code" "$status" "$code"
    is "$text: nothing on standard output" "$out" ""
    is "$text: one line on standard error" "$(wc -l <"$work/err")" 1
    json "$text: the error says $name" "$err" \
        '.error | .code == $name and (.message | length > 0) and has("hint")' --arg name "$name"
}

# ---- without a daemon ----

org_make esch
expect "the daemon does not run" 5 status
has "it tells what to try" "$err" systemctl
expect_error "the daemon does not run" 5 daemon-not-running activity list
run_nl esch status
has "in Dutch" "$err" "draait niet"
expect "doctor tells what is wrong without a daemon" 1 doctor
has "it tells what to try" "$out" systemctl
: >"$work/file"
run esch --socket "$work/file" status
is "a socket that is no socket: exit 5" "$status" 5
expect "help needs no daemon" 0 help
has "help is grouped" "$out" "activity"
expect "a command's help shows examples" 0 activity add --help
has "with a real line" "$out" "meent activity add --direction"
run esch --version
has "the version is told" "$out" "meent "

# ---- usage ----

expect "an unknown command" 2 actvity list
has "it names the nearest" "$err" activity
expect "an unknown verb" 2 activity lsit
has "it names the nearest verb" "$err" "activity list"
expect "an unknown flag" 2 activity list --fre
has "it names the nearest flag" "$err" "--free"
expect_error "too few words" 2 usage invite create
expect_error "too many words" 2 usage status now
expect_error "a flag without value" 2 usage activity list --type
expect_error "a number that is none" 2 usage member approve x --number 12
expect_error "a wait that is none" 2 usage join MEENT1x --wait soon

# ---- states ----

org_start esch
expect_error "no organisation yet" 1 state activity list
m esch init 'Stad & Esch' --kind vmbo >/dev/null || give_up init
expect_error "an organisation twice" 7 conflict init Other --kind vmbo
expect_error "no region yet" 1 state invite create x
found esch Meppel
expect_error "a region twice" 7 conflict region create Other
expect_error "an unknown invitation" 3 not-found member approve nobody --number "123456 123456"
expect_error "an unknown activity" 3 not-found activity show 0123456789abcdef
expect_error "an id that is none" 3 not-found activity show zzzz
expect_error "an unknown sign-up" 3 not-found answer 0123456789abcdef accepted
expect_error "an unknown host" 3 not-found \
    activity add --direction offer --type gastles --title T --host 'No such company'
expect_error "a word outside the vocabulary" 2 usage \
    activity add --direction offer --type gastlezzen --title T --host 'Stad & Esch'
expect_error "a day that does not exist" 2 usage \
    activity add --direction offer --type gastles --title T --host 'Stad & Esch' --date 2026-02-30
expect_error "a required field" 2 usage --no-input activity add --direction offer --type gastles --title T
run esch answer 0123 perhaps
is "an answer that is none: exit 2" "$status" 2

m esch activity import "$data/activiteiten-meppel-2026-2027.csv" >/dev/null || give_up import
m esch org import "$data/duo-vestigingen-vo-drenthe.csv" --quiet || give_up import

# Two ids that begin alike: with 300 ids of four digits that is a matter of trying.
prefix='' tries=0
while [ -z "$prefix" ] && [ $((tries += 1)) -le 6 ]; do
    { echo 'titel;soort;vraag/aanbod;organisatie'
      for i in {1..300}; do echo "Les $tries-$i;gastles;aanbod;Stad & Esch"; done; } |
        m esch activity import - >/dev/null
    prefix=$(j esch '[.[].id[0:4]] | group_by(.) | map(select(length > 1))[0][0] // ""' activity list)
done
expect_error "an ambiguous id" 2 ambiguous activity show "$prefix"
has "it lists the candidates" "$err" "$(j esch "[.[] | select(.id[0:4] == \"$prefix\")][0].id[0:5]" activity list)"
id=$(j esch '.[0].id' activity list)
expect "an unambiguous prefix" 0 activity show "${id:0:12}"
expect "an id in capitals" 0 activity show "${id^^}"

# ---- contact persons, periods, the calendar ----

expect "a contact person" 0 contact add --name 'Jan de Vries' --org 'Stad & Esch' --roles mentor
id=$(j esch '.[0].id' contact list)
expect "is changed" 0 contact edit "$id" --phone '0522 123456'
json "is listed" "$(m esch --json contact list)" '.[0] | .name == "Jan de Vries" and .phone == "0522 123456"'
printf 'naam;organisatie;rol\nPiet;Stad & Esch;gastdocent\n' >"$work/people.csv"
has "a file of them is imported" "$(m esch contact import "$work/people.csv")" "1 new"
has "twice changes nothing" "$(m esch contact import "$work/people.csv")" "1 unchanged"
expect "a period" 0 period add --title 'Stage klas 3' --type stageperiode --from 2026-11-30 --until 2027-01-15
run esch calendar show --year 2026-2027
has "the calendar has the month" "$out" "December 2026"
has "and the period" "$out" "Stage klas 3"
json "in JSON it is in order" "$(m esch --json jaarkalender --van 2027-01-04 --tot 2027-01-31)" \
    '.[0].title == "Stage klas 3" and length > 1 and ([.[1:][] | .start // "2027"] | . == sort)'

# ---- doctor ----

expect "doctor finds nothing to do" 0 doctor
json "each check has its parts" "$(m esch --json doctor)" \
    '.checks | length > 5 and all(has("code") and has("ok") and has("text") and has("hint"))'
json "the disk and the data are checked" "$(m esch --json doctor)" \
    '[.checks[] | select(.ok) | .code] | contains(["disk", "store", "rights", "daemon"])'

# ---- languages ----

has "English by default" "$(LANG=C m esch activity list --limit 3)" ACTIVITY
for how in 'MEENT_LANG=nl' 'LC_ALL=nl_NL.UTF-8' 'LC_MESSAGES=nl_NL' 'LANG=nl_BE.UTF-8'; do
    has "Dutch by $how" "$(env -u MEENT_LANG "$how" "$meent" --socket "$work/esch/ctl.sock" \
        activity list --limit 3)" ACTIVITEIT
done
has "Dutch by --lang" "$(m esch --lang nl activity list --limit 3)" ACTIVITEIT
has "MEENT_LANG stands before LC_ALL" "$(env LC_ALL=nl_NL.UTF-8 "$meent" \
    --socket "$work/esch/ctl.sock" activity list --limit 3)" ACTIVITY
is "a Dutch command and flags are the same" "$(m esch menukaart --vrij --aantal 5)" \
    "$(m esch activity list --direction offer --free --limit 5)"
is "vragen is activity list --direction request" "$(m esch vragen)" "$(m esch activity list --direction request)"
is "json is the same in every language" "$(m esch --lang nl --json activity list)" "$(m esch --json activity list)"
has "errors are Dutch too" "$(m esch --lang nl activity show 0123456789abcdef 2>&1)" "niet gevonden"

# ---- width, colour, pipes ----

escape=$'\033'

# tty COLUMNS COMMAND: its output on a terminal of that width, without the carriage returns.
tty() {
    local columns=$1
    shift
    env -u COLUMNS PAGER=cat script -qec "stty cols $columns rows 50; $*" /dev/null </dev/null |
        tr -d '\r'
}
# The longest line in characters, escape sequences taken out.
widest() {
    local line n=0
    while IFS= read -r line; do
        [ "${#line}" -le "$n" ] || n=${#line}
    done < <(sed "s/$escape\\[[0-9;]*[A-Za-z]//g")
    echo "$n"
}
socket=$(printf '%q' "$work/esch/ctl.sock")
command="$(printf '%q' "$meent") --socket $socket"
for words in "--lang nl menukaart" "--lang en menukaart" "--lang nl vragen" "--lang nl org list" \
    "--lang nl status" "--lang nl activity show $id" "--lang nl help" "--lang en help" \
    "--lang nl activity add --help" "--lang nl log" "--lang nl member list"; do
    tty 80 "$command $words" >"$work/tty"
    n=$(widest <"$work/tty")
    if [ "$n" -gt 0 ] && [ "$n" -le 80 ]; then
        ok "$words fits in 80 columns ($n)"
    else
        not_ok "$words fits in 80 columns ($n)" "$(head -5 "$work/tty")"
    fi
done
has "a wide name is cut with a mark" "$(tty 80 "$command --lang nl org list")" "…"
n=$(tty 200 "$command --lang nl org list" | widest)
is "a wide terminal is used" "$([ "$n" -gt 90 ] && echo yes || echo "$n")" yes
colours() { case $1 in *"${escape}["*) echo yes ;; *) echo no ;; esac; }
is "a pipe has no colours" "$(colours "$(m esch menukaart; m esch status)")" no
is "NO_COLOR has none" "$(colours "$(tty 80 "NO_COLOR=1 $command menukaart; NO_COLOR=1 $command status")")" no
is "--no-color has none" "$(colours "$(tty 80 "$command --no-color menukaart; $command --no-color status")")" no
is "a dumb terminal has none" "$(colours "$(tty 80 "TERM=dumb $command menukaart; TERM=dumb $command status")")" no
m esch menukaart | head -n 2 >"$work/head"
is "a reader that leaves early is no trouble" "$(wc -l <"$work/head")" 2
if [ -w /dev/full ]; then
    m esch menukaart >/dev/full 2>"$work/err"
    is "output that cannot be written fails" "$?" 1
fi
run esch --json menukaart
json "--json is one value" "$out" 'type == "array"'
MEENT_SOCKET=$work/esch/ctl.sock "$meent" status >/dev/null
is "MEENT_SOCKET is used" "$?" 0

finish

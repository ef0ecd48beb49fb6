#!/bin/sh
# Makes the four recordings and their transcripts anew, in the folder of this script.
# Needs espeak-ng and sox. Each sentence is spoken on its own, cut to its sound, brought to 8 kHz,
# and laid between pauses of known length, so the transcript's times are counted, not guessed.
# A recording is then set to its level and laid over a faint room noise (sox's noise is the same every time).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rate=8000

frames() { soxi -s "$1"; }
seconds() { awk -v n="$1" -v r="$rate" 'BEGIN { printf "%.3f", n / r }'; }

# begin SESSION VOICE PITCH WORDS_PER_MINUTE PEAK_DB
begin() {
    session=$1 voice=$2 pitch=$3 speed=$4 peak=$5
    count=0 at=0 parts='' sentences=''
}

# pause SECONDS
pause() {
    count=$((count + 1))
    part=$work/$session-$count.wav
    sox -D -n -r $rate -b 16 -c 1 "$part" trim 0 "$1"
    at=$((at + $(frames "$part")))
    parts="$parts $part"
}

# say TEXT (no quotes or backslashes in it)
say() {
    count=$((count + 1))
    part=$work/$session-$count.wav
    espeak-ng -v "$voice" -p "$pitch" -s "$speed" -w "$work/spoken.wav" "$1"
    # The sound alone: what is under 0.3 % of full scale at either end goes.
    sox -D "$work/spoken.wav" -b 16 "$part" gain -n -3 rate -v $rate \
        silence 1 0.005 0.3% reverse silence 1 0.005 0.3% reverse
    start=$at
    at=$((at + $(frames "$part")))
    parts="$parts $part"
    sentences="$sentences${sentences:+,
}    { \"text\": \"$1\", \"start\": $(seconds "$start"), \"end\": $(seconds "$at") }"
}

# finish: the recording and its transcript
finish() {
    # shellcheck disable=SC2086 # the parts are a list
    sox -D $parts "$work/speech.wav" gain -n "$peak"
    sox -D -R -n -r $rate -b 16 -c 1 "$work/noise.wav" synth "${at}s" pinknoise gain -n -52
    sox -D -m -v 1 "$work/speech.wav" -v 1 "$work/noise.wav" -b 16 "$here/$session.wav"
    printf '{\n  "sessionId": "%s",\n  "recording": "%s.wav",\n  "voice": "%s",\n  "sentences": [\n%s\n  ]\n}\n' \
        "$session" "$session" "$voice" "$sentences" > "$here/$session.json"
}

begin harbour-08 en-gb-scotland+m3 35 165 -6
pause 0.5
say 'Good morning, this is the harbour office.'
pause 0.7
say 'The north quay is closed until noon.'
pause 0.9
say 'Two ships are waiting for the tide.'
pause 0.6
finish

begin clinic-17 en-us+f3 55 160 -3
pause 0.4
say 'The patient slept well.'
pause 0.8
say 'Her temperature is thirty seven point two.'
pause 0.6
say 'Continue the same dose for five days.'
pause 0.5
finish

begin hotline-42 en-gb+m7 50 175 -12
pause 0.6
say 'My order has not arrived.'
pause 0.5
say 'It was sent eleven days ago.'
pause 0.9
say 'Can you tell me where it is now?'
pause 0.7
say 'Thank you, I will wait.'
pause 0.5
finish

begin lecture-03 en-us+f5 75 150 -9
pause 0.5
say 'A water mill turns a river into bread.'
pause 1.0
say 'The wheel drives a pair of stones.'
pause 0.7
say 'What goes in between them is called grist.'
pause 0.6
finish

#!/bin/sh
# Makes the recordings beside it: `sh make.sh`, where flite, espeak-ng, sox and ffmpeg are installed.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
convert() { ffmpeg -nostdin -v error -y -bitexact -i "$@"; }
cut() { head -c "$(($(wc -c < "$1") * 6 / 10))" "$1" > "$2"; }

flite -voice slt -t 'buy some milk tomorrow' -o "$work/milk.wav"
sox "$work/milk.wav" -r 16000 -c 1 -b 16 milk.wav
convert milk.wav -c:a libopus -b:a 24k milk.webm
convert milk.wav -c:a libopus -b:a 24k -f webm -live 1 - | cat > milk-live.webm
convert milk.wav -c:a libopus -b:a 24k milk.ogg
convert milk.wav -c:a aac -b:a 48k milk.m4a
convert milk.wav -c:a aac -b:a 48k -movflags frag_keyframe+empty_moov+default_base_moof milk-fragmented.mp4
convert milk.wav -c:a aac -b:a 48k -f adts milk.aac
convert milk.wav -c:a libmp3lame -b:a 48k milk.mp3
convert milk.wav -c:a flac milk.flac
convert milk.wav -c:a alac milk-alac.m4a
convert milk.wav -c:a pcm_s16be milk.aiff
for each in webm ogg mp3 flac wav; do cut "milk.$each" "milk-cut.$each"; done
cut milk-fragmented.mp4 milk-cut-fragmented.mp4
cut milk.m4a milk-cut.m4a

say() { # name, program and voice, words
    case $2 in
        espeak) espeak-ng -v en-us -s 150 -w "$work/$1.wav" "$3" ;;
        *) flite -voice "$2" -t "$3" -o "$work/$1.wav" ;;
    esac
    convert "$work/$1.wav" -ar 48000 -c:a libopus -b:a 24k "phrase-$1.webm"
}
say mother rms 'remind me to call my mother tomorrow at five'
say plants slt 'water the plants every friday'
say table rms 'book a table for two this evening'
say doctor slt 'cancel the meeting with the doctor'
say meeting espeak 'cancel the meeting with the doctor'

sox -n -r 48000 -c 1 "$work/silence.wav" trim 0 2
sox -n -r 48000 -c 1 "$work/tone.wav" synth 2 sine 440 vol 0.3
sox -R -n -r 48000 -c 1 "$work/noise.wav" synth 2 whitenoise vol 0.1
convert "$work/silence.wav" -c:a libopus silence.ogg
convert "$work/tone.wav" -c:a libmp3lame -b:a 48k tone.mp3
convert "$work/noise.wav" -c:a libopus -b:a 48k noise.webm
ffmpeg -nostdin -v error -y -bitexact -f lavfi -i testsrc=size=64x64:rate=5:duration=1 -c:v libvpx picture.webm

#!/bin/sh
# Writes what the program says of itself beside this script: completions for shells, and the pages of the manual.
# To be run after flags or commands have changed; a plain test says when.
set -eu
cd "$(dirname "$0")"
program=$(cd .. && cargo build --quiet --package gannet --message-format json \
    | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1)
mkdir -p completions man
rm -f completions/* man/*
"$program" completions bash > completions/gannet.bash
"$program" completions zsh > completions/_gannet
"$program" completions fish > completions/gannet.fish
"$program" completions bash --nats-server > completions/nats-server.bash
"$program" completions zsh --nats-server > completions/_nats-server
"$program" completions fish --nats-server > completions/nats-server.fish
"$program" man man

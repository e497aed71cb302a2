#!/bin/sh
# Takes the blocks `leafnodes` and `websocket` out of the configuration that the launcher of nats.js has written, then
# becomes the server. The launcher writes a block's name and its brackets alone on their lines, blocks at the top
# without a space before their names.
for word in "$@"; do
    case $word in
    *.conf)
        awk '
            /^(leafnodes|websocket) [{]$/ { inside = 1; next }
            inside && /^ [}]$/ { inside = 0; next }
            !inside
        ' "$word" >"$word.less" && mv "$word.less" "$word"
        ;;
    esac
done
exec "@SERVER@" "$@"

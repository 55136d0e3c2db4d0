#!/bin/sh
# Verifies systemd's units with the programs that they start in place, and how exposed they are:
# of 10, 2.5 at most. Whether the sandboxes let our programs work is not tried: that needs a
# machine that systemd has started.
set -eu
cd "$(dirname "$0")/../systemd"
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root/lib/systemd" "$root/etc/systemd/system" "$root/opt/live-captions/bin"
cp -r /lib/systemd/system "$root/lib/systemd/"
cp -- *.service "$root/etc/systemd/system/"
for program in captioner asr-server; do
    printf '#!/bin/sh\n' > "$root/opt/live-captions/bin/$program"
    chmod +x "$root/opt/live-captions/bin/$program"
done
for unit in *.service; do
    said=$(systemd-analyze verify --root="$root" "$unit" 2>&1) || { echo "BAD  $unit: $said"; exit 1; }
    case $said in *"$unit"*) echo "BAD  $unit: $said"; exit 1 ;; esac
    level=$(systemd-analyze security --offline=true --threshold=25 --no-pager "./$unit" | tail -n 1) ||
        { echo "BAD  $unit: $level"; exit 1; }
    echo "ok   $unit: $level"
done

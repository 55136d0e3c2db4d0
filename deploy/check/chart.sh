#!/bin/sh
# chart.sh HELM CHECK [MEET]: lints and renders our chart with each file of its ci/, and holds the
# result against the types of the Kubernetes API module. MEET: a checkout of La Suite Meet, whose
# own chart is rendered with our values.
set -eu
helm=$1 check=$2 meet=${3:-}
cd "$(dirname "$0")/.."
chart=helm/live-captions version="--kube-version 1.35.0"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

render() { # NAME CHART VALUES
    "$helm" template "$1" "$2" $version --namespace captions -f "$3" > "$out/$1.yaml" 2> "$out/said" ||
        { cat "$out/said"; echo "BAD  $2 with $3"; exit 1; }
    "$check" manifests "$out/$1.yaml"
}

for values in "$chart"/ci/*-values.yaml; do
    "$helm" lint "$chart" $version --strict --quiet -f "$values" > "$out/said" 2>&1 ||
        { cat "$out/said"; echo "BAD  $chart with $values"; exit 1; }
    render "$(basename "$values" -values.yaml)" "$chart" "$values"
done
if "$helm" template x "$chart" $version > /dev/null 2> "$out/said"; then
    echo "BAD  $chart renders without livekit.url"; exit 1
fi
grep -q "livekit.url: where" "$out/said"
echo "ok   $chart: says what is missing"
if [ -n "$meet" ]; then
    render meet "$meet/src/helm/meet" la-suite-meet/values.yaml
else
    echo "     not run: La Suite Meet's chart with la-suite-meet/values.yaml: make deploy-check SUITE_MEET=its checkout"
fi

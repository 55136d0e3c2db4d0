package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const pod = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: worker}
spec:
  selector: {matchLabels: {app: worker}}
  template:
    metadata: {labels: {app: worker}}
    spec:
      containers: [{name: worker, image: x, ports: [{containerPort: 80}]}]
`

func faultsOf(t *testing.T, text string) []string {
	t.Helper()
	faults, err := checkObjects("x.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, one := range faults {
		said = append(said, one.what)
	}
	return said
}

func TestAGoodManifestHasNoFault(t *testing.T) {
	if said := faultsOf(t, pod); len(said) > 0 {
		t.Fatal(said)
	}
}

func TestWhatIsWrongIsFound(t *testing.T) {
	for _, one := range []struct{ old, made, says string }{
		{"containerPort: 80", "containerprt: 80", `unknown field "containerprt"`},
		{"containerPort: 80", "name: http", "lacks .spec.template.spec.containers[0].ports[0].containerPort"},
		{"containerPort: 80", "containerPort: http", "cannot unmarshal"},
		{"  selector: {matchLabels: {app: worker}}\n", "", "lacks .spec.selector"},
		{"matchLabels: {app: worker}", "matchLabels: {app: wrker}", "selects no pod"},
		{"name: worker}", "name: Wor_ker}", "RFC 1123"},
	} {
		said := faultsOf(t, strings.Replace(pod, one.old, one.made, 1))
		if !strings.Contains(strings.Join(said, "\n"), one.says) {
			t.Errorf("%s: %v", one.made, said)
		}
	}
}

func TestTheLinterSpeaks(t *testing.T) {
	file := filepath.Join(t.TempDir(), "Containerfile")
	if err := os.WriteFile(file, []byte("FROM scratch as x\nMAINTAINER y\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	faults, err := checkContainerfile([]string{file})
	if err != nil || len(faults) < 2 {
		t.Fatal(faults, err)
	}
}

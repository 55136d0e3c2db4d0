// Command check holds what is in deploy/ against the libraries that read it elsewhere: Kubernetes'
// own types, compose's loader, and the parser and linter of BuildKit.
//
//	check manifests [FILE…]       the rendered manifests of a chart
//	check compose ENV FILE…       with the variables of the file ENV; prints the project as JSON
//	check containerfile FILE      prints its stages as JSON, for whoever runs their commands
//
// It exits with status 1 if anything is wrong, and says what it could not check.
package main

import (
	"fmt"
	"os"
)

// A fault is what is wrong, and where.
type fault struct{ where, what string }

func main() {
	commands := map[string]func([]string) ([]fault, error){
		"manifests":     checkManifests,
		"compose":       checkCompose,
		"containerfile": checkContainerfile,
	}
	if len(os.Args) < 3 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: check manifests|compose|containerfile FILE…")
		os.Exit(2)
	}
	faults, err := commands[os.Args[1]](os.Args[2:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, one := range faults {
		fmt.Fprintf(os.Stderr, "BAD  %s: %s\n", one.where, one.what)
	}
	if len(faults) > 0 {
		os.Exit(1)
	}
}

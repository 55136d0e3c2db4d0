package main

import (
	"context"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
)

// checkCompose loads a compose file as compose does: variables, JSON schema,
// references. It prints the project as JSON.
func checkCompose(arguments []string) ([]fault, error) {
	variables, files := arguments[0], arguments[1:]
	options, err := cli.NewProjectOptions(files, cli.WithEnvFiles(variables), cli.WithDotEnv, cli.WithProfiles([]string{"*"}))
	if err != nil {
		return nil, err
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		return []fault{{files[0], err.Error()}}, nil
	}
	fmt.Fprintf(os.Stderr, "ok   %s: %d services, by compose's own loader and schema\n", files[0], len(project.Services))
	text, err := project.MarshalJSON()
	fmt.Println(string(text))
	return nil, err
}

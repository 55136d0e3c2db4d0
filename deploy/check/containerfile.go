package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// A step is one instruction: RUN, COPY, ENV and so on, with its arguments.
type step struct {
	Name      string            `json:"name"`
	Arguments []string          `json:"arguments"`
	Shell     bool              `json:"shell"`
	From      string            `json:"from"`
	To        string            `json:"to"`
	Variables map[string]string `json:"variables,omitempty"`
}

// A stage is what an image is built in.
type stage struct {
	Name  string `json:"name"`
	Base  string `json:"base"`
	Steps []step `json:"steps"`
}

// checkContainerfile parses and lints, and prints the stages.
func checkContainerfile(files []string) ([]fault, error) {
	file, err := os.Open(files[0])
	if err != nil {
		return nil, err
	}
	defer file.Close()
	parsed, err := parser.Parse(file)
	if err != nil {
		return []fault{{files[0], err.Error()}}, nil
	}
	var faults []fault
	warn := func(rule, _, _, message string, where []parser.Range) {
		line := 0
		if len(where) > 0 {
			line = where[0].Start.Line
		}
		faults = append(faults, fault{fmt.Sprintf("%s:%d", files[0], line), rule + ": " + message})
	}
	stages, _, err := instructions.Parse(parsed.AST, linter.New(&linter.Config{Warn: warn}))
	if err != nil {
		return []fault{{files[0], err.Error()}}, nil
	}
	for _, one := range parsed.Warnings {
		faults = append(faults, fault{files[0], one.Short})
	}
	var told []stage
	for _, one := range stages {
		told = append(told, stage{one.Name, one.BaseName, stepsOf(one.Commands)})
	}
	fmt.Fprintf(os.Stderr, "ok   %s: %d stages, by BuildKit's parser and linter\n", files[0], len(told))
	return faults, json.NewEncoder(os.Stdout).Encode(told)
}

func stepsOf(commands []instructions.Command) []step {
	var steps []step
	for _, command := range commands {
		one := step{Name: command.Name()}
		switch command := command.(type) {
		case *instructions.RunCommand:
			one.Arguments, one.Shell = command.CmdLine, command.PrependShell
		case *instructions.CmdCommand:
			one.Arguments, one.Shell = command.CmdLine, command.PrependShell
		case *instructions.EntrypointCommand:
			one.Arguments, one.Shell = command.CmdLine, command.PrependShell
		case *instructions.CopyCommand:
			one.Arguments, one.To, one.From = command.SourcePaths, command.DestPath, command.From
		case *instructions.WorkdirCommand:
			one.To = command.Path
		case *instructions.UserCommand:
			one.To = command.User
		case *instructions.EnvCommand:
			one.Variables = map[string]string{}
			for _, pair := range command.Env {
				one.Variables[pair.Key] = pair.Value
			}
		}
		steps = append(steps, one)
	}
	return steps
}

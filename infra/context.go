package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"strings"
)

// cdkJSON holds the feature flags and the context of stage dev. The CDK CLI reads the file itself; without the CLI nobody does.
//
//go:embed cdk.json
var cdkJSON []byte

func fileContext() (map[string]any, error) {
	var file struct {
		Context map[string]any `json:"context"`
	}
	if err := json.Unmarshal(cdkJSON, &file); err != nil {
		return nil, fmt.Errorf("infra/cdk.json: %w", err)
	}
	return file.Context, nil
}

// merged is the context that the app has: that of cdk.json, over it what the CDK CLI hands over in its environment, and over that
// what is given. CDK merges the same for itself, but hands objects out by reference only.
func merged(given map[string]any) (map[string]any, error) {
	context, err := fileContext()
	if err != nil {
		return nil, err
	}
	for _, source := range []func() ([]byte, error){
		func() ([]byte, error) { return []byte(os.Getenv("CDK_CONTEXT_JSON")), nil },
		func() ([]byte, error) { // what is too large for a variable
			if name := os.Getenv("CONTEXT_OVERFLOW_LOCATION_ENV"); name != "" {
				return os.ReadFile(name)
			}
			return nil, nil
		},
	} {
		text, err := source()
		if err == nil && len(text) > 0 {
			err = json.Unmarshal(text, &context) // adds to what is there
		}
		if err != nil {
			return nil, fmt.Errorf("the context that the CDK CLI hands over: %w", err)
		}
	}
	maps.Copy(context, given)
	return context, nil
}

// arguments parses "-c key=value" and "--context key=value", as the CDK CLI has them.
func arguments(args []string) (map[string]any, error) {
	context := map[string]any{}
	for len(args) > 0 {
		flag, pair, joined := strings.Cut(args[0], "=")
		args = args[1:]
		if flag != "-c" && flag != "--context" {
			return nil, fmt.Errorf("%q is not known: it takes -c key=value, as often as there are values to give", flag)
		}
		if !joined {
			if len(args) == 0 {
				return nil, fmt.Errorf("%s must be followed by key=value", flag)
			}
			pair, args = args[0], args[1:]
		}
		key, value, ok := strings.Cut(pair, "=")
		if !ok || key == "" {
			return nil, fmt.Errorf("%s must be followed by key=value", flag)
		}
		context[key] = value
	}
	return context, nil
}

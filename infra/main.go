// Infra is the CDK app: it synthesises the CloudFormation templates of Fleet. "go run ./infra" needs Go and Node, and no account.
//
//	go run ./infra [-c key=value]...
//
// Its configuration is CDK's context, which config.go describes. Under the CDK CLI it takes the CLI's context instead of its own
// arguments.
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
)

func main() {
	err := run(os.Args[1:], os.Stdout)
	jsii.Close()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "infra: "+err.Error()) // there is nowhere else to say it
		os.Exit(1)
	}
}

// run synthesises into build/cdk.out, or where CDK_OUTDIR says, as the CDK CLI does, and prints how many resources each
// stack has.
func run(args []string, out io.Writer) (err error) {
	defer recovered(&err)
	given, err := arguments(args)
	if err != nil {
		return err
	}
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	folder := os.Getenv("CDK_OUTDIR")
	if folder == "" {
		folder = filepath.Join(root, "build", "cdk.out")
	}
	app, err := newApp(given, folder, root)
	if err != nil {
		return err
	}
	for _, stack := range *app.Synth(nil).StacksRecursively() {
		resources, _ := stack.Template().(map[string]any)["Resources"].(map[string]any)
		if _, err := fmt.Fprintf(out, "%-24s %3d resources of %d\n", *stack.StackName(), len(resources), mostResources); err != nil {
			return err
		}
	}
	return nil
}

// mostResources is how many resources CloudFormation allows in a stack.
const mostResources = 500

// newApp is the app with its stacks, by the context of cdk.json and what is given over it. Relative folders in the context are
// relative to root.
func newApp(given map[string]any, folder, root string) (awscdk.App, error) {
	context, err := merged(given)
	if err != nil {
		return nil, err
	}
	config, err := parse(context, root)
	if err != nil {
		return nil, err
	}
	app := awscdk.NewApp(&awscdk.AppProps{
		Context:            &context,
		Outdir:             &folder,
		AnalyticsReporting: jsii.Bool(false), // a resource in each stack, for statistics
	})
	build(app, config)
	return app, nil
}

// recovered turns a panic, as which jsii gives the errors of CDK, into an error. Of one from Node only what it says is kept,
// and not where in CDK it was thrown.
func recovered(err *error) {
	switch problem := recover().(type) {
	case nil:
	case error:
		*err = fmt.Errorf("CDK: %s", message(problem.Error()))
	default:
		*err = fmt.Errorf("CDK: %s", message(fmt.Sprint(problem)))
	}
}

func message(text string) string {
	before, _, _ := strings.Cut(text, "\n    at ")
	return strings.TrimSpace(before)
}

// moduleRoot is the folder of go.mod, from the working folder upwards.
func moduleRoot() (string, error) {
	here, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for folder := here; ; folder = filepath.Dir(folder) {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder, nil
		}
		if folder == filepath.Dir(folder) {
			return "", fmt.Errorf("there is no go.mod in %s or above: run it inside of Fleet's tree", here)
		}
	}
}

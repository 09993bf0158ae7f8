//go:build !race

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// findings are the lines of cdk-nag's reports in a folder, of errors and warnings, for which there is no reason in the template.
func findings(t *testing.T, folder string) (found []string) {
	t.Helper()
	reports, err := filepath.Glob(filepath.Join(folder, "AwsSolutions-*-NagReport.csv"))
	if err != nil || len(reports) != 4 {
		t.Fatalf("cdk-nag wrote %d reports, not one for each of four stacks: %v", len(reports), err)
	}
	for _, report := range reports {
		lines, err := os.ReadFile(report)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(lines)) {
			if strings.HasPrefix(line, `"AwsSolutions-`) && !strings.Contains(line, `,"Compliant",`) && !strings.Contains(line, `,"Suppressed",`) {
				found = append(found, line)
			}
		}
	}
	return found
}

// TestNagFindsNothing: cdk-nag has no finding without a reason beside its resource.
func TestNagFindsNothing(t *testing.T) {
	for _, d := range everyDeployment() {
		for _, finding := range findings(t, d.folder) {
			t.Errorf("stage %s: %s", d.stage, finding)
		}
	}
}

// TestNagFinds: cdk-nag looks at whatever is in the app, and what it finds fails the synthesis.
func TestNagFinds(t *testing.T) {
	folder := t.TempDir()
	app, err := newApp(map[string]any{"functions": functionsFolder}, folder, "/")
	if err != nil {
		t.Fatal(err)
	}
	data := app.Node().FindChild(jsii.String("fleet-dev-data")).(constructs.Construct)
	awss3.NewBucket(data, jsii.String("Naive"), nil)
	err = func() (err error) {
		defer recovered(&err)
		app.Synth(nil)
		return nil
	}()
	if err == nil || !strings.Contains(err.Error(), "Validation failed") {
		t.Errorf("a bucket without anything was synthesised: %v", err)
	}
	if all := strings.Join(findings(t, folder), ""); !strings.Contains(all, "AwsSolutions-S1") || !strings.Contains(all, "fleet-dev-data/Naive") {
		t.Errorf("of a bucket without anything, cdk-nag finds only:\n%s", all)
	}
}

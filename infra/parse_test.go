//go:build !race

package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/project-gimbal/fleet/internal/catalog"
)

// merge is the context of stage dev with changes: nil removes a value.
func merge(changes map[string]any) map[string]any {
	context := complete("staging")
	context["functions"] = functionsFolder
	for key, value := range changes {
		if value == nil {
			delete(context, key)
		} else {
			context[key] = value
		}
	}
	return context
}

func TestParse(t *testing.T) {
	c, err := parse(merge(map[string]any{"slots": "12", "terminationsADay": "5", "unpaidLock": "false", "sendgridIps": "192.0.2.1, 192.0.2.2", "pagers": []any{"a@x.example", "b@x.example"},
		"limits": `{"supabase":300}`, "dashboard": false, "detailedMetrics": "true", "autoApprove": "flat, tiered"}), "/")
	if err != nil {
		t.Fatal(err)
	}
	if c.Slots != 12 || c.TerminationsADay != 5 || !slices.Equal(c.SendGridIPs, []string{"192.0.2.1", "192.0.2.2"}) || len(c.Pagers) != 2 || c.Architecture != "arm64" ||
		c.Dashboard || c.UnpaidLock || !c.DetailedMetrics || c.Quotas["dns-records"] == 0 || c.Limits["supabase"] != 300 || !slices.Equal(c.AutoApprove, []string{"flat", "tiered"}) {
		t.Errorf("got %+v", c)
	}
}

// TestStages: a stage's own values are behind those that are given, and no other stage gets them.
func TestStages(t *testing.T) {
	context, err := merged(map[string]any{"functions": functionsFolder, "slots": "7"})
	if err != nil {
		t.Fatal(err)
	}
	c, err := parse(context, "/")
	if err != nil || c.Stage != "dev" || c.Slots != 7 || !c.UnpaidLock || c.Domain != "gimbal.example" {
		t.Errorf("got %+v, %v", c, err)
	}
	context["stage"] = "production"
	_, err = parse(context, "/")
	if err == nil || !strings.Contains(err.Error(), "zone is missing") || !strings.Contains(err.Error(), "context.stages.production") {
		t.Errorf("production got the values of dev: %v", err)
	}
}

// TestWrong: each wrong value is named with what is wanted.
func TestWrong(t *testing.T) {
	for key, values := range map[string][]any{
		"stage":               {nil, "Dev", "a", "a-stage-with-a-long-name", "dev-", 1.0},
		"domain":              {nil, "gimbal", "https://gimbal.app"},
		"zone":                {nil, "zone", strings.Repeat("g", 32)},
		"suspendedHost":       {nil, "suspended", "https://suspended.gimbal.app"},
		"organisation":        {nil, "an organisation"},
		"team":                {nil, "gimbal"},
		"twilioAccount":       {nil, "AC1"},
		"sendgridIps":         {nil, "", "x", "2001:db8::1", []any{}, []any{1.0}},
		"mailFrom":            {nil, "hello", "Gimbal <hello@gimbal.app>"},
		"operatorMail":        {nil, "x"},
		"slots":               {"-1", "many", 1001.0, 1.5},
		"release":             {nil, "/frontend", "frontend/", "a b"},
		"limits":              {"{", "[]", `{"vercel":1}`, `{"supabase":1}`, map[string]any{"supabase": "300"}},
		"quotas":              {nil, "{", "[]", `{"dns-records":1}`, map[string]any{}},
		"pagers":              {nil, "x", []any{"a@x.example", "y"}},
		"publicUrl":           {"fleet.gimbal.app", "http://fleet.gimbal.app"},
		"customDomain":        {"fleet", "fleet.gimbal.app"},
		"certificate":         {"x"},
		"permissionsBoundary": {"boundary"},
		"architecture":        {"amd64"},
		"functions":           {"/nowhere"},
		"unpaidLock":          {"off", 0.0},
		"dashboard":           {"yes", 1.0},
		"detailedMetrics":     {"on", []any{}},
	} {
		for _, value := range values {
			_, err := parse(merge(map[string]any{key: value}), "/")
			verdict := key + " is wrong: it must be "
			if value == nil || value == "" {
				verdict = key + " is missing: it must be "
			}
			if err == nil || !strings.Contains(err.Error(), verdict) {
				t.Errorf("%s=%v: %v", key, value, err)
			}
		}
	}
}

// TestAllAtOnce: one message names everything that is wrong, and says where to put it right.
func TestAllAtOnce(t *testing.T) {
	_, err := parse(map[string]any{"stage": "staging", "slots": "x", "zoen": "1"}, "/")
	if err == nil {
		t.Fatal("it was taken")
	}
	for _, part := range []string{`"staging"`, "domain is missing", "slots is wrong", "zoen is not known", "functions is wrong", "context.stages.staging", "-c key=value"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the message does not say %q:\n%v", part, err)
		}
	}
}

// TestArchitecture: functions that were built for another processor are not deployed.
func TestArchitecture(t *testing.T) {
	folder := t.TempDir()
	for _, f := range catalog.Functions() {
		if err := os.Mkdir(filepath.Join(folder, f.Name), 0o755); err != nil {
			t.Fatal(err)
		}
		// An executable's header, for x86_64, without anything in it.
		header := elf.Header64{Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
			Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT), Ehsize: 64}
		var b bytes.Buffer
		if err := binary.Write(&b, binary.LittleEndian, header); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, f.Name, "bootstrap"), b.Bytes(), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := parse(merge(map[string]any{"functions": folder, "architecture": "x86_64"}), "/"); err != nil {
		t.Error(err)
	}
	if _, err := parse(merge(map[string]any{"functions": folder}), "/"); err == nil || !strings.Contains(err.Error(), "make build GOARCH=arm64") {
		t.Errorf("functions for x86_64 as arm64: %v", err)
	}
}

func TestArguments(t *testing.T) {
	got, err := arguments([]string{"-c", "stage=e2e", "--context", "endpoints={\"a\":\"b=c\"}", "-c=slots=4", "-c", "empty="})
	want := map[string]any{"stage": "e2e", "endpoints": `{"a":"b=c"}`, "slots": "4", "empty": ""}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	for _, args := range [][]string{{"-c"}, {"-c", "stage"}, {"-c", "=x"}, {"stage=dev"}, {"--profile", "x"}} {
		if _, err := arguments(args); err == nil {
			t.Errorf("%q was taken", args)
		}
	}
}

// TestCLI: the CDK CLI's context is over that of the file, and under what is given.
func TestCLI(t *testing.T) {
	t.Setenv("CDK_CONTEXT_JSON", `{"stage":"staging","slots":"5","aws:cdk:bundling-stacks":[]}`)
	context, err := merged(map[string]any{"slots": "6"})
	if err != nil || context["stage"] != "staging" || context["slots"] != "6" || context["@aws-cdk/core:checkSecretUsage"] != true {
		t.Errorf("got %v, %v", context, err)
	}
	t.Setenv("CDK_CONTEXT_JSON", "{")
	if _, err := merged(nil); err == nil {
		t.Error("a broken context was taken")
	}
}

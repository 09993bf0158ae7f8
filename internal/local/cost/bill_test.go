package main

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/project-gimbal/fleet/internal/catalog"
)

func prices(t *testing.T) Prices {
	t.Helper()
	p, err := readPrices(priceList)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestPriceList: everything in the list is used, and everything used is there.
func TestPriceList(t *testing.T) {
	p := prices(t)
	for name := range p.Prices {
		if !slices.Contains(priced, name) {
			t.Errorf("the price %s isn't used", name)
		}
	}
	for name := range p.Assumptions {
		if !slices.Contains(assumed, name) {
			t.Errorf("the assumption %s isn't used", name)
		}
	}
	for _, change := range []struct{ from, to, want string }{
		{`"step-functions"`, `"steps"`, `lacks "step-functions"`},
		{`"usd": 0.025`, `"usd": 0`, `lacks "step-functions"`},
		{`"coldStartMs"`, `"cold"`, `assumption "coldStartMs"`},
		{`"date": "`, `"date": "about `, "date"},
		{`{`, `[`, "does not decode"},
	} {
		if _, err := readPrices([]byte(strings.Replace(string(priceList), change.from, change.to, 1))); err == nil || !strings.Contains(err.Error(), change.want) {
			t.Errorf("%s for %s: %v, want %q", change.to, change.from, err, change.want)
		}
	}
}

func wantLine(t *testing.T, b Bill, item string, quantity, usd float64) {
	t.Helper()
	for _, l := range b.Lines {
		if l.Item == item {
			if math.Abs(l.Quantity-quantity) > 1e-9*quantity || math.Abs(l.USD-usd) > 1e-9*usd {
				t.Errorf("%s: %v for $%v, want %v for $%v", item, l.Quantity, l.USD, quantity, usd)
			}
			return
		}
	}
	t.Errorf("no line %s in %+v", item, b.Lines)
}

// sample is a made-up measurement, in which every function of the catalog did the same.
func sample() Measured {
	m := Measured{Provisioning: map[string]Usage{}, Idle: map[string]Usage{}, Transitions: 26, Events: 100, Stored: gigabyte}
	for _, f := range catalog.Functions() {
		m.Provisioning[f.Name] = Usage{Invocations: 1, Milliseconds: 1900, ReadUnits: 2, WriteUnits: 3, KeyCalls: 1, SecretCalls: 1, LogBytes: 424}
		if f.Trigger == catalog.Schedule {
			m.Idle[f.Name] = Usage{Invocations: 1, Milliseconds: 1000, ReadUnits: 0.5}
		}
	}
	return m
}

func TestProvisioningBill(t *testing.T) {
	b, err := prices(t).provisioning(sample())
	if err != nil {
		t.Fatal(err)
	}
	var n, seconds, requests, traces float64
	traces = 1
	for _, f := range catalog.Functions() {
		n++
		seconds += (1.9 + 0.1) * float64(f.Memory) / 1024
		if f.Trigger == catalog.HTTP || f.Trigger == catalog.Host {
			requests++
		}
		if f.Trigger != catalog.Workflow {
			traces++
		}
	}
	wantLine(t, b, "lambda-requests", n, n*0.2e-6)
	wantLine(t, b, "lambda-duration", seconds, seconds*0.0000133334)
	wantLine(t, b, "step-functions", 26, 26*0.000025)
	wantLine(t, b, "dynamodb-writes", 3*n, 3*n*0.625e-6)
	wantLine(t, b, "dynamodb-reads", 2*n, 2*n*0.125e-6)
	wantLine(t, b, "http-api", requests, requests*1e-6)
	wantLine(t, b, "xray", traces, traces*5e-6)
	wantLine(t, b, "kms-requests", 2*n, 2*n*0.000003) // one of its own, and the table's
	gigabytes := (n*1024 + 100*500) / gigabyte
	wantLine(t, b, "logs-ingested", gigabytes, gigabytes*0.5)
	sum := 0.0
	for _, l := range b.Lines {
		sum += l.USD
	}
	if math.Abs(sum-b.USD) > 1e-12 {
		t.Errorf("the lines are $%v, the bill $%v", sum, b.USD)
	}
}

func TestUpdateBill(t *testing.T) {
	m := sample()
	b, err := prices(t).update(m)
	if err != nil {
		t.Fatal(err)
	}
	wantLine(t, b, "step-functions", 7, 7*0.000025)
	wantLine(t, b, "lambda-requests", 5, 5*0.2e-6)
	delete(m.Provisioning, "await-frontend")
	if _, err := prices(t).update(m); err == nil || !strings.Contains(err.Error(), "await-frontend") {
		t.Errorf("got %v", err)
	}
}

func TestStandingBill(t *testing.T) {
	m := sample()
	b, err := prices(t).standing(m)
	if err != nil {
		t.Fatal(err)
	}
	var times, seconds, tableKeys float64
	for _, f := range catalog.Functions() {
		if f.Trigger == catalog.Schedule {
			each := 1.0
			if f.Every > 10 {
				each += 0.1 // cold
			}
			n := 43800 / float64(f.Every)
			times += n
			if f.Every > 5 {
				tableKeys += n
			}
			seconds += n * each * float64(f.Memory) / 1024
		}
	}
	wantLine(t, b, "kms-requests", tableKeys, tableKeys*0.000003)
	wantLine(t, b, "scheduler", times, times*1e-6)
	wantLine(t, b, "lambda-duration", seconds, seconds*0.0000133334)
	wantLine(t, b, "dynamodb-reads", times/2, times/2*0.125e-6)
	wantLine(t, b, "kms-keys", 3, 3)
	delete(m.Idle, catalog.Admit.Name)
	if _, err := prices(t).standing(m); err == nil {
		t.Error("priced without the measure of a schedule")
	}
}

func TestIdleBill(t *testing.T) {
	b := prices(t).idle(sample())
	wantLine(t, b, "dynamodb-storage", 1, 0.25)
	wantLine(t, b, "dynamodb-recovery", 1, 0.20)
}

func TestUnknownFunction(t *testing.T) {
	if _, err := prices(t).provisioning(Measured{Provisioning: map[string]Usage{"none": {}}}); err == nil {
		t.Error("priced a function that isn't in the catalog")
	}
}

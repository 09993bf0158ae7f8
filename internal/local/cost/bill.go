package main

import (
	"fmt"
	"strings"

	"github.com/project-gimbal/fleet/internal/catalog"
)

const (
	// month is how long one is, in minutes: 730 hours, as AWS reckons.
	month = 730 * 60
	// gigabyte is AWS's.
	gigabyte = 1 << 30
	day      = 24 * 60
)

// Line is one line of a bill.
type Line struct {
	Item     string  `json:"item"`
	Quantity float64 `json:"quantity"`
	Unit     string  `json:"unit"`
	USD      float64 `json:"usd"`
}

// Bill is what something costs.
type Bill struct {
	Lines []Line  `json:"lines"`
	USD   float64 `json:"usd"`
}

// charge adds a line. What wasn't used has none.
func (p Prices) charge(b *Bill, item string, quantity float64) {
	if quantity == 0 {
		return
	}
	price := p.Prices[item]
	usd := quantity / price.Per * price.USD
	b.Lines = append(b.Lines, Line{item, quantity, price.Unit, usd})
	b.USD += usd
}

// work is what a number of invocations did, beside what each of them used.
type work struct {
	usage       map[string]Usage
	transitions float64
	requests    float64 // to the HTTP API
	scheduled   float64 // invocations by the scheduler
	traces      float64
	events      float64 // of executions' histories
	// rested tells how many of a function's invocations come later than so many minutes after the one before it.
	rested func(f catalog.Function, u Usage, minutes float64) float64
}

// all: a workflow's functions run seldom.
func all(_ catalog.Function, u Usage, _ float64) float64 { return u.Invocations }

// bill prices work. It fails for a function that the catalog doesn't know.
func (p Prices) bill(w work) (Bill, error) {
	var sum Usage
	var gigabyteSeconds float64
	for name, u := range w.usage {
		f, ok := catalog.ByName(name)
		if !ok {
			return Bill{}, fmt.Errorf("no function %q is in the catalog", name)
		}
		started := w.rested(f, u, p.assume("warmMinutes")) * p.assume("coldStartMs")
		gigabyteSeconds += (u.Milliseconds + started) / 1000 * float64(f.Memory) / 1024
		u.KeyCalls += w.rested(f, u, p.assume("tableKeyMinutes"))
		sum = sum.plus(u)
	}
	logs := (sum.LogBytes + sum.Invocations*p.assume("platformLogBytes") + w.events*p.assume("eventLogBytes")) / gigabyte
	var b Bill
	p.charge(&b, "lambda-requests", sum.Invocations)
	p.charge(&b, "lambda-duration", gigabyteSeconds)
	p.charge(&b, "step-functions", w.transitions)
	p.charge(&b, "dynamodb-writes", sum.WriteUnits)
	p.charge(&b, "dynamodb-reads", sum.ReadUnits)
	p.charge(&b, "kms-requests", sum.KeyCalls)
	p.charge(&b, "secrets-requests", sum.SecretCalls)
	p.charge(&b, "s3-reads", sum.ObjectReads)
	p.charge(&b, "http-api", w.requests)
	p.charge(&b, "scheduler", w.scheduled)
	p.charge(&b, "xray", w.traces)
	p.charge(&b, "logs-ingested", logs)
	p.charge(&b, "logs-stored", logs*p.assume("logRetentionDays")*day/month)
	return b, nil
}

// provisioning prices one, from the signup to the end of its execution. The execution is a trace, and so is every invocation
// from outside it.
func (p Prices) provisioning(m Measured) (Bill, error) {
	w := work{usage: m.Provisioning, transitions: m.Transitions, events: m.Events, traces: 1, rested: all}
	for name, u := range m.Provisioning {
		switch f, _ := catalog.ByName(name); f.Trigger {
		case catalog.HTTP, catalog.Host:
			w.requests += u.Invocations
			w.traces += u.Invocations
		case catalog.Schedule:
			w.traces += u.Invocations
		}
	}
	return p.bill(w)
}

// repeated are the steps of a provisioning that an update does again, and the one that ends its operation.
var repeated = []catalog.Function{catalog.MigrateDatabase, catalog.DeployFrontend, catalog.AwaitFrontend, catalog.VerifyHealth, catalog.EndOperation}

// update estimates one: there is no workflow for it yet. It costs what the same steps cost in a provisioning, a transition for
// each of their tries, and two for its beginning and its end.
func (p Prices) update(m Measured) (Bill, error) {
	w := work{usage: map[string]Usage{}, transitions: 2, traces: 1, rested: all}
	for _, f := range repeated {
		u, ok := m.Provisioning[f.Name]
		if !ok {
			return Bill{}, fmt.Errorf("the provisioning that was measured had no %s, which an update repeats", f.Name)
		}
		w.usage[f.Name] = u
		w.transitions += u.Invocations
	}
	if m.Transitions > 0 {
		w.events = m.Events * w.transitions / m.Transitions
	}
	return p.bill(w)
}

// standing prices a month of everything that is there whatever the number of instances: the schedules, each by its period in
// the catalog, and what is paid by the month.
func (p Prices) standing(m Measured) (Bill, error) {
	w := work{usage: map[string]Usage{}, rested: func(f catalog.Function, u Usage, minutes float64) float64 {
		if float64(f.Every) <= minutes {
			return 0
		}
		return u.Invocations
	}}
	alarms := 2.0 // the dead-letter queue's, and the API's
	credentials := map[string]bool{}
	for _, f := range catalog.Functions() {
		for _, g := range f.Grants {
			if name, ok := strings.CutPrefix(string(g), catalog.SecretPrefix); ok {
				credentials[name] = true
			}
		}
		if f.Trigger != catalog.Schedule {
			continue
		}
		u, ok := m.Idle[f.Name]
		if !ok || f.Every <= 0 {
			return Bill{}, fmt.Errorf("the schedule %s was not measured, or has no period", f.Name)
		}
		times := month / float64(f.Every)
		w.usage[f.Name] = u.times(times)
		w.scheduled += times
		w.traces += times
		alarms++ // that it ran
	}
	alarms += 3 * float64(len(catalog.Workflows())) // failed, timed out and stopped: each metric is paid
	b, err := p.bill(w)
	if err != nil {
		return b, err
	}
	p.charge(&b, "kms-keys", p.assume("kmsKeys"))
	p.charge(&b, "secrets", float64(len(credentials)))
	p.charge(&b, "alarms", alarms)
	p.charge(&b, "dashboards", p.assume("dashboards"))
	return b, nil
}

// idle prices a month of an instance to which nothing happens: its records.
func (p Prices) idle(m Measured) Bill {
	var b Bill
	p.charge(&b, "dynamodb-storage", m.Stored/gigabyte)
	p.charge(&b, "dynamodb-recovery", m.Stored/gigabyte)
	return b
}

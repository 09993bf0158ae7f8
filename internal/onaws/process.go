package onaws

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/schema"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/view"
)

// patience is how long one call of an AWS service may take, its retries included. The table has limits of its own.
const patience = 10 * time.Second

// process is what lives as long as the Lambda's process does.
type process struct {
	entry  catalog.Function
	ports  []Port
	lookup func(string) string
	log    *slog.Logger

	mu     sync.Mutex
	opened *ports
}

// open gives the process's ports, and opens them the first time. What failed is tried again at the next invocation.
func (p *process) open() (*ports, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.opened != nil {
		return p.opened, nil
	}
	opened, err := open(p.entry, p.ports, p.lookup, p.log)
	if err != nil {
		return nil, err
	}
	p.opened = opened
	return opened, nil
}

// ports are the long-lived parts of a step's environment.
type ports struct {
	base      step.Env
	transport *http.Transport
}

// open builds what the function is granted. Its faults name the variables that are wrong.
func open(f catalog.Function, more []Port, lookup func(string) string, log *slog.Logger) (*ports, error) {
	c, err := parse(f, lookup)
	if err != nil {
		return nil, &fault.Error{Code: fault.Internal, Text: "the configuration is wrong: " + err.Error(), Err: err}
	}
	account, err := account(lookup)
	if err != nil {
		return nil, err
	}
	b := builder{entry: f, config: c, aws: account, clock: clock.System()}
	vault, failed := b.vault()
	release, err := b.release()
	if err := errors.Join(failed, err); err != nil {
		return nil, &fault.Error{Code: fault.Internal, Text: "the configuration is wrong: " + err.Error(), Err: err}
	}
	transport := vendorTransport()
	credentials := b.credentials()
	records := b.store()
	gate := step.NewGate(records, b.clock, log, c.Settings.Limits)
	opened := &ports{transport: transport, base: step.Env{
		Clock: b.clock,
		Gate:  gate,
		Store: records,
		Vault: vault,
		Provider: provider.Config{Endpoints: c.Endpoints, Clock: b.clock, Settings: c.Vendors,
			Transport:  gate.Before(credentials.Watch(c.Endpoints, step.LogCalls(b.clock, c.Endpoints, transport)), c.Endpoints),
			Credential: credentials.Get, Anew: credentials.Reread},
		Databases: func(context.Context, provider.Secret) (schema.Database, error) {
			return nil, b.ungranted("customers' databases")
		},
		Executions:   closedExecutions{b.ungranted("executions of the workflows")},
		Trigger:      func(_ context.Context, function string) error { return b.ungranted("the function " + function) },
		Publish:      func(context.Context, string, string) error { return b.ungranted("the topic of incidents") },
		Logs:         func(context.Context, step.LogQuery) ([]view.LogLine, error) { return nil, b.ungranted("the logs") },
		Surroundings: closedSurroundings{b.ungranted("the schedules, the dead letters and the credentials' ages")},
		Exports:      closedObjects{b.ungranted("exports")},
		Archive:      closedObjects{b.ungranted("the audit archive")},
		History:      closedObjects{b.ungranted("the history of configurations")},
		Calendar:     closedCalendar{b.ungranted("the calendar")},
		Release:      release,
		Nonce:        uuid.NewString,
		Secret:       step.RandomSecret,
		Settings:     c.Settings,
		Log:          log,
	}}
	for _, port := range more {
		port(Parts{Config: c, AWS: account, Clock: b.clock}, &opened.base)
	}
	return opened, nil
}

// vendorTransport is the way to the vendors. It takes no proxy from the environment; contexts bound its calls.
func vendorTransport() *http.Transport {
	return &http.Transport{MaxResponseHeaderBytes: 64 << 10}
}

// awsTransport is the way to AWS's services. Their clients try again what is lost on a connection that has gone stale.
func awsTransport() *http.Transport {
	return &http.Transport{MaxIdleConnsPerHost: 10, IdleConnTimeout: time.Minute}
}

// env is the environment of one invocation.
func (p *ports) env(ctx context.Context) step.Env {
	env := p.base
	env.Request = request(ctx)
	return env
}

// settle ends an invocation. Lambda freezes the process now, for hours perhaps, in which the other ends of idle connections
// go away unseen. A change sent over one of those would be lost without an answer, so none is kept.
func (p *ports) settle() { p.transport.CloseIdleConnections() }

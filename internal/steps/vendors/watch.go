// Package vendors watches the vendors that calls fail of, until they answer.
package vendors

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider/cloudflare"
	"github.com/project-gimbal/fleet/internal/provider/sendgrid"
	"github.com/project-gimbal/fleet/internal/provider/supabase"
	"github.com/project-gimbal/fleet/internal/provider/twilio"
	"github.com/project-gimbal/fleet/internal/provider/vercel"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/steps/operation"
)

// Deps asks each vendor something cheap, by the vendor's name, and what stands for a change there, where there is such a thing.
type Deps struct {
	ask, write map[string]func(context.Context) error
}

// Open makes the clients.
func Open(env step.Env) (Deps, error) {
	p := env.Provider
	mail := sendgrid.New(p)
	return Deps{ask: map[string]func(context.Context) error{
		"supabase":   asking(supabase.New(p).Organization),
		"vercel":     asking(vercel.New(p).Team),
		"cloudflare": asking(cloudflare.New(p).Zone),
		"twilio":     asking(twilio.New(p).Parent),
		"sendgrid":   asking(mail.Scopes),
	}, write: map[string]func(context.Context) error{
		// A message is never repeated, and so never the change that is tried: what waits may be messages alone.
		"sendgrid": func(ctx context.Context) error {
			return mail.CheckMail(ctx, p.Settings.MailFrom, p.Settings.OperatorMail)
		},
	}}, nil
}

func asking[T any](question func(context.Context) (T, error)) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := question(ctx)
		return err
	}
}

// Watch asks each vendor that is down, or of which calls have failed lately, once. Where only changes fail, one of those that wait
// tries, or else what stands for one. A vendor that is back lets admission go on, and the
// take-downs that waited for it, by whomever it was found to be back. Vendors of which nothing is wrong are not asked. It may run at any time, and
// twice at once.
func Watch(d Deps) step.Event {
	return func(ctx context.Context, env step.Env) error {
		doubted, err := env.Gate.Doubted(ctx)
		if err != nil {
			return err
		}
		back, failed := make([]bool, len(doubted)), make([]error, len(doubted))
		var all sync.WaitGroup
		for i, o := range doubted {
			ask := d.ask[o.Vendor]
			if o.Writes {
				ask = d.write[o.Vendor]
			}
			if ask != nil {
				all.Go(func() { back[i], failed[i] = probe(ctx, env, o, ask) })
			}
		}
		all.Wait()
		return errors.Join(append(failed, resume(ctx, env, slices.Contains(back, true)))...)
	}
}

func probe(ctx context.Context, env step.Env, o fleet.Outage, ask func(context.Context) error) (bool, error) {
	back, err := env.Gate.Probe(ctx, o, env.Request, ask)
	if back {
		env.Log.InfoContext(ctx, "vendor is back", "vendor", o.Vendor, "writes", o.Writes, "since", o.Since)
	}
	return back, err
}

// resume lets go on what waited. Whether a vendor is back by this invocation matters to admission alone, which has a schedule of its
// own: a take-down may wait for one that is back by somebody's call, or by an invocation that died here.
func resume(ctx context.Context, env step.Env, back bool) error {
	if back {
		if err := env.Trigger(ctx, catalog.Admit.Name); err != nil {
			env.Log.WarnContext(ctx, "admit was not triggered; its schedule will", "code", fault.CodeOf(err))
		}
	}
	return operation.Resume(ctx, env)
}

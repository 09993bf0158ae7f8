package doctor

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/view"
)

// What is left of an invocation when the last look is given up: to answer, and to write the incidents down.
const (
	forAnswer    = 3 * time.Second
	forIncidents = 15 * time.Second
)

// part is checks that one and the same look decides.
type part struct {
	checks []string
	look   func(ctx context.Context) []view.Check
}

func (d Deps) parts() []part {
	return []part{
		{[]string{supabaseToken, supabaseOrganization, supabaseProjects}, d.lookAtSupabase},
		{[]string{vercelToken, vercelTeam, vercelProjects}, d.lookAtVercel},
		{[]string{cloudflareToken, cloudflareZone, cloudflareRecords, cloudflareRules}, d.lookAtCloudflare},
		{[]string{twilioToken, twilioAccount, twilioSubaccounts}, d.lookAtTwilio},
		{[]string{sendgridKey, sendgridScopes, sendgridIPs, sendgridSubusers}, d.lookAtSendGrid},
		{[]string{webhookSecret}, d.lookAtWebhookSecret},
		{[]string{linkSecret}, d.lookAtLinkSecret},
		{[]string{schedules}, d.lookAtSchedules},
		{[]string{deadLetters}, d.lookAtDeadLetters},
	}
}

// examine makes every check, all parts at once, so that one that is slow holds up no other. When only reserve is left of the
// invocation, what has no answer yet is given up.
func (d Deps) examine(ctx context.Context, log *slog.Logger, reserve time.Duration) view.Diagnosis {
	found := view.Diagnosis{At: d.clock.Now()}
	if end, ok := clock.Deadline(ctx); ok {
		var cancel context.CancelFunc
		ctx, cancel = d.clock.WithTimeout(ctx, end.Sub(found.At)-reserve)
		defer cancel()
	}
	parts := d.parts()
	looked := make([][]view.Check, len(parts))
	var all sync.WaitGroup
	for i, p := range parts {
		all.Go(func() {
			defer func() {
				if r := recover(); r != nil { // its value may hold anything
					log.ErrorContext(ctx, "a check panicked", "checks", p.checks, "type", fmt.Sprintf("%T", r))
					looked[i] = nil
				}
			}()
			looked[i] = p.look(ctx)
		})
	}
	all.Wait()
	for i, p := range parts {
		for _, name := range p.checks {
			c := view.Check{Name: name, Verdict: view.Unchecked, Found: "the check broke off by a fault of its own",
				Mend: "the log of the function says where; it is Fleet's code that has to be mended"}
			if at := slices.IndexFunc(looked[i], func(c view.Check) bool { return c.Name == name }); at >= 0 {
				c = looked[i][at]
			}
			found.Checks = append(found.Checks, c)
		}
	}
	return found
}

func fine(name, format string, args ...any) view.Check {
	return view.Check{Name: name, Verdict: view.Fine, Found: fmt.Sprintf(format, args...)}
}

func warning(name, found, mend string) view.Check {
	return view.Check{Name: name, Verdict: view.Warning, Found: found, Mend: mend}
}

func broken(name, found, mend string) view.Check {
	return view.Check{Name: name, Verdict: view.Broken, Found: found, Mend: mend}
}

func unchecked(name, found, mend string) view.Check {
	return view.Check{Name: name, Verdict: view.Unchecked, Found: found, Mend: mend}
}

const (
	// patience is how long one question may take, its pages included, where it is asked twice; pause lies in between.
	patience = 8 * time.Second
	pause    = time.Second
)

// ask asks a question, and once more if there was no answer: one lost packet is no finding.
func ask[T any](ctx context.Context, c clock.Clock, question func(context.Context) (T, error)) (T, error) {
	once := func() (T, error) {
		ctx, cancel := c.WithTimeout(ctx, patience)
		defer cancel()
		return question(ctx)
	}
	answer, err := once()
	if fault.Is(err, fault.Unavailable) && c.Sleep(ctx, pause) == nil {
		return once()
	}
	return answer, err
}

package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/view"
)

const (
	webhookSecret = "fleet.webhook-secret"
	linkSecret    = "fleet.link-secret"
	schedules     = "fleet.schedules"
	deadLetters   = "fleet.dead-letters"
)

// again is what to do where AWS gives no answer, or a refusal.
const again = "look again in a minute; where it stays so, the role of this function lacks what the grant inspect gives: make deploy"

func (d Deps) lookAtWebhookSecret(ctx context.Context) []view.Check {
	changed, err := ask(ctx, d.clock, func(ctx context.Context) (time.Time, error) {
		return d.surroundings.CredentialChanged(ctx, step.WebhookSecret)
	})
	return []view.Check{judgeWebhookSecret(changed, err, d.clock.Now())}
}

// How old, in days, the webhook secret may be.
const (
	secretOld    = 90
	secretTooOld = 365
)

func judgeWebhookSecret(changed time.Time, err error, now time.Time) view.Check {
	const mend = "make a new one, for instance by: echo whsec_$(openssl rand -base64 24); put it into the secret fleet/<stage>/webhook-secret " +
		"(aws secretsmanager put-secret-value) and into the signup form's server, one right after the other: while they differ, signups are refused with 401"
	age := max(days(now.Sub(changed)), 0)
	switch {
	case provider.NotFound(err):
		return broken(webhookSecret, "there is none: "+step.SafeText(err), mend)
	case err != nil:
		return unchecked(webhookSecret, "its age can't be told: "+step.SafeText(err), again)
	case changed.IsZero():
		return unchecked(webhookSecret, "nobody knows when it was last changed", "change it once where changes are noted, as Secrets Manager does")
	case age > secretTooOld:
		return broken(webhookSecret, fmt.Sprintf("it is %d days old; %d are the most", age, secretTooOld), mend)
	case age > secretOld:
		return warning(webhookSecret, fmt.Sprintf("it is %d days old; it should be changed every %d", age, secretOld), mend)
	}
	return fine(webhookSecret, "%d days old", age)
}

func (d Deps) lookAtLinkSecret(ctx context.Context) []view.Check {
	_, err := ask(ctx, d.clock, func(ctx context.Context) (time.Time, error) {
		return d.surroundings.CredentialChanged(ctx, step.LinkSecret)
	})
	return []view.Check{judgeLinkSecret(err)}
}

// judgeLinkSecret asks for no age: what the secret signs ends by itself, and nobody else has it.
func judgeLinkSecret(err error) view.Check {
	switch {
	case provider.NotFound(err):
		return broken(linkSecret, "there is none, so operators get no links: "+step.SafeText(err),
			"openssl rand -hex 32 | tr -d '\\n' | aws secretsmanager create-secret --name fleet/<stage>/link-secret --secret-string file:///dev/stdin")
	case err != nil:
		return unchecked(linkSecret, "whether there is one can't be told: "+step.SafeText(err), again)
	}
	return fine(linkSecret, "it is there")
}

func (d Deps) lookAtSchedules(ctx context.Context) []view.Check {
	running, err := ask(ctx, d.clock, d.surroundings.Schedules)
	return []view.Check{judgeSchedules(running, err)}
}

func judgeSchedules(running []string, err error) view.Check {
	if provider.NotFound(err) {
		return broken(schedules, "there is no such group: "+step.SafeText(err), "make deploy makes the group that FLEET_SCHEDULE_GROUP names, fleet-<stage>, and the schedules in it")
	}
	if err != nil {
		return unchecked(schedules, "they can't be listed: "+step.SafeText(err), again)
	}
	wanted := 0
	var missing []string
	for _, f := range catalog.Functions() {
		if f.Trigger != catalog.Schedule {
			continue
		}
		wanted++
		if !slices.Contains(running, f.Name) {
			missing = append(missing, fmt.Sprintf("%s (every %d min)", f.Name, f.Every))
		}
	}
	if len(missing) > 0 {
		return broken(schedules, fmt.Sprintf("%d of %d don't run: %s", len(missing), wanted, strings.Join(missing, ", ")),
			"enable them in EventBridge Scheduler, in the group fleet-<stage> (FLEET_SCHEDULE_GROUP); where one is not there at all: make deploy")
	}
	return fine(schedules, "all %d run", wanted)
}

func (d Deps) lookAtDeadLetters(ctx context.Context) []view.Check {
	n, err := ask(ctx, d.clock, d.surroundings.DeadLetters)
	return []view.Check{judgeDeadLetters(n, err)}
}

func judgeDeadLetters(n int, err error) view.Check {
	switch {
	case provider.NotFound(err):
		return broken(deadLetters, "there is no queue for them: "+step.SafeText(err), "make deploy makes the queue that FLEET_DEAD_LETTERS names, fleet-<stage>-dead-letters")
	case err != nil:
		return unchecked(deadLetters, "they can't be counted: "+step.SafeText(err), again)
	case n > 0:
		return broken(deadLetters, fmt.Sprintf("%d asynchronous invocations were given up", n),
			"poll the queue fleet-<stage>-dead-letters (FLEET_DEAD_LETTERS) in the SQS console, under Send and receive messages; each message names its function and the error. "+
				"The sweeps catch up by themselves: once the cause is mended, empty the queue: aws sqs purge-queue --queue-url URL")
	}
	return fine(deadLetters, "none")
}

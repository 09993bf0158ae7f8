// Package download lets an instance's administrator, and nobody else, fetch an export: by the link of a mail, which leads to a page, and
// a code that the page has mailed to them. Links to the files are made then, for a short time, and kept nowhere.
package download

import (
	"context"
	"errors"
	"net/http"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/httpapi"
	"github.com/project-gimbal/fleet/internal/link"
	"github.com/project-gimbal/fleet/internal/step"
)

// Deps is what these functions use: nothing but the Env.
type Deps struct{}

// Open opens nothing.
func Open(step.Env) (Deps, error) { return Deps{}, nil }

// Link makes the link to an export's page for a mail to the administrator: any mail that tells of the export, each with a link of its
// own. It is good as long as the files are kept. It alone opens nothing, but is stored nowhere all the same. An export that is not
// verified is an Internal fault. Whoever calls it needs the credential step.LinkSecret and Settings.PublicURL.
func Link(ctx context.Context, env step.Env, e fleet.Export) (string, error) {
	if e.Status != fleet.ExportVerified {
		return "", fault.New(fault.Internal, "the export %s is %s: there is no link to it", e.ID, e.Status)
	}
	return link.Make(ctx, env, link.Downloads, link.Authority{InstanceID: e.InstanceID, Subject: e.ID}, e.ExpiresAt)
}

// wanted is what a link leads to.
type wanted struct {
	instance fleet.Instance
	export   fleet.Export
}

// find verifies a link's token and reads what it leads to: a 404 fault for one that Fleet never made, a 410 fault where the files are
// not given any more.
func find(ctx context.Context, env step.Env, token string) (wanted, error) {
	proved, err := link.Verify(ctx, env, link.Downloads, token)
	switch {
	case errors.Is(err, link.ErrForged):
		return wanted{}, forged()
	case errors.Is(err, link.ErrOver):
		return wanted{}, over("The time to fetch this export is over, and its files are deleted.")
	case err != nil:
		return wanted{}, err
	}
	i, err := env.Store.Instance(ctx, proved.InstanceID)
	if err != nil {
		return wanted{}, err
	}
	e, err := env.Store.Export(ctx, proved.InstanceID, proved.Subject)
	if err != nil {
		return wanted{}, err
	}
	if i == nil || e == nil {
		return wanted{}, forged()
	}
	return wanted{*i, *e}, given(*i, *e, env)
}

// given refuses with 410 what is not given any more.
func given(i fleet.Instance, e fleet.Export, env step.Env) error {
	switch {
	case i.State == fleet.Terminated:
		return over("This instance has come to its end, and its exports are not given out any more.")
	case !e.Given(env.Clock.Now()):
		return over("The time to fetch this export is over, and its files are deleted.")
	}
	return nil
}

func forged() error {
	return httpapi.Refuse(http.StatusNotFound, fault.Rejected, "This link is not one of Gimbal's, or a part of it got lost on its way.")
}

func over(text string) error { return httpapi.Refuse(http.StatusGone, fault.Overdue, text) }

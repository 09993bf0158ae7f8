package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/view"
)

// vendor is what the texts about a vendor name.
type vendor struct {
	name       string // for people
	scope      string // as freeze calls it
	credential string // Fleet's name of it
	renew      string // where a new one is made, and what it must allow
	status     string // the page that tells of outages
}

// kept is the secret that holds a credential.
func kept(credential string) string { return "fleet/<stage>/" + credential }

// keep says where a credential has to be put.
func keep(credential string) string {
	return fmt.Sprintf("put it into the secret %[1]s: aws secretsmanager put-secret-value --secret-id %[1]s --secret-string file:///dev/stdin; the functions read it anew within 5 minutes", kept(credential))
}

// set says where one of Fleet's settings is, by its key in infra/cdk.json and the functions' variable that it becomes, and what
// its value has to be.
func set(key, variable, value string) string {
	return fmt.Sprintf("set %q of the stage in infra/cdk.json (%s) to %s, then: make deploy", key, variable, value)
}

// held checks that Fleet can read its credential at all; the second value is false where it can't, and nothing is to be asked.
func (d Deps) held(ctx context.Context, v vendor, check string) (view.Check, bool) {
	secret, err := d.credential(ctx, v.credential)
	switch {
	case err != nil && fault.CodeOf(err).Transient():
		return unchecked(check, fmt.Sprintf("Fleet's own secret store gives no answer: %s", step.SafeText(err)), "look again in a minute"), false
	case err != nil:
		return broken(check, fmt.Sprintf("Fleet can't read its credential %s: %s", v.credential, step.SafeText(err)),
			fmt.Sprintf("create the secret %[1]s, its value as plain text: aws secretsmanager create-secret --name %[1]s --secret-string file:///dev/stdin; where it is there, its key or its policy keeps Fleet out", kept(v.credential))), false
	case secret.Empty():
		return broken(check, fmt.Sprintf("the credential %s is empty", v.credential), v.renew+"; "+keep(v.credential)), false
	}
	return view.Check{}, true
}

// door judges the first answer of a vendor, which says whether it answers at all, and takes the credential. The second value is
// false where no other question makes sense.
func (v vendor) door(check string, err error) (view.Check, bool) {
	f, ok := errors.AsType[*fault.Error](err)
	switch {
	case err == nil:
		return view.Check{}, true
	case ok && (f.Status == http.StatusUnauthorized || f.Status == http.StatusForbidden || errors.Is(err, provider.ErrCredentialRefused)):
		return broken(check, fmt.Sprintf("%s refuses the credential: %s", v.name, f.Error()), v.renew+"; "+keep(v.credential)), false
	case ok && f.Code == fault.Throttled:
		return unchecked(check, fmt.Sprintf("%s takes no more calls just now: %s", v.name, f.Error()), "look again in a few minutes"), false
	case ok && f.Code.Transient():
		return broken(check, fmt.Sprintf("%s does not answer: %s", v.name, f.Error()),
			fmt.Sprintf("see %s; while it lasts, let nothing new start: fleetctl freeze %s --reason outage", v.status, v.scope)), false
	}
	return view.Check{}, true
}

// unasked are the checks that are left out because of another one, which is added.
func unasked(because view.Check, names ...string) []view.Check {
	all := []view.Check{because}
	for _, name := range names {
		all = append(all, unchecked(name, fmt.Sprintf("not looked at while %s is not fine", because.Name), "see to "+because.Name))
	}
	return all
}

// refused reports whether a vendor refused for good, for want of a permission as a rule.
func refused(err error) bool { return fault.Is(err, fault.Rejected) }
